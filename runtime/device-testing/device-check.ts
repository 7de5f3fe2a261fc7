/** One check, and how groups of them are written down. */
import type { Subject } from './options.js';

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
  return Object.entries(group).map(([name, work]) => ({ name, run: () => work(subject) }));
}

/** A check that applies to every device. */
export function always(work: (subject: Subject) => Promise<void>): CheckWork {
  return async (subject) => {
    await work(subject);
    return undefined;
  };
}
