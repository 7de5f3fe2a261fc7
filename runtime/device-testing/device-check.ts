/** One check, and how groups of them are written down. */
import { createSystemClock } from '../../scheduler/clock.js';
import { CheckFailure } from './check-failure.js';
import type { Subject } from './options.js';

const DEFAULT_WITHIN_MS = 60_000;

/** One check of a device. */
export interface DeviceCheck {
  readonly name: string;
  /**
   * Runs the check on a backend of its own. Resolves with why the check does not apply to the device, if it does not.
   *
   * Rejects with an error that says what was expected and what came: a `CheckFailure`, or what the device has thrown.
   */
  run(): Promise<string | undefined>;
}

/** A check's work: resolves with a reason where it does not apply. */
export type CheckWork = (subject: Subject) => Promise<string | undefined>;

/** The checks of a group for one device. */
export function checksOf(subject: Subject, group: Readonly<Record<string, CheckWork>>): DeviceCheck[] {
  const { withinMs = DEFAULT_WITHIN_MS } = subject.options;
  return Object.entries(group).map(([name, work]) => ({ name, run: () => within(withinMs, work(subject)) }));
}

/** A promise that the device never settles would end neither the check nor, where nothing else goes on, the process. */
async function within<Result>(ms: number, pending: Promise<Result>): Promise<Result> {
  let cancel = (): void => undefined;
  const hangs = new Promise<never>((_, reject) => {
    const fail = () =>
      reject(new CheckFailure('the check', `an end within ${ms} ms`, 'none: the device hangs'));
    cancel = createSystemClock().setTimer(ms, fail, true);
  });
  try {
    return await Promise.race([pending, hangs]);
  } finally {
    cancel();
  }
}

/** A check that applies to every device. */
export function always(work: (subject: Subject) => Promise<void>): CheckWork {
  return async (subject) => {
    await work(subject);
    return undefined;
  };
}
