/** What a set-up says while it works: lines, and a share for what takes long. */
import type { Clock } from '../../scheduler/clock.js';

/** Where lines go. */
export type Report = (line: string) => void;

const LOOK_MS = 1000;
const SAY_MS = 2000;

/** Bytes as package registries and file managers count them. */
export function showSize(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${Math.round(bytes / 1e6)} MB`;
  return `${Math.ceil(bytes / 1e3)} kB`;
}

/** Says how far something is, where it takes long. */
export class Share {
  readonly #total: number;
  readonly #clock: Clock;
  readonly #report: Report;
  #saidMs: number;

  constructor(total: number, { clock, report }: { readonly clock: Clock; readonly report: Report }) {
    this.#total = total;
    this.#clock = clock;
    this.#report = report;
    this.#saidMs = clock.nowMs();
  }

  /** Takes what is done by now. */
  set(done: number): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#saidMs < SAY_MS) return;
    this.#saidMs = nowMs;
    this.#report(`  ${Math.min(100, Math.floor((100 * done) / this.#total))} %`);
  }
}

/** Calls `look` once a second while `work` goes on. */
export async function whileWorking<Result>(
  clock: Clock,
  look: () => Promise<void>,
  work: Promise<Result>,
): Promise<Result> {
  let cancel = () => {};
  const again = () => {
    cancel = clock.setTimer(LOOK_MS, () => void look().then(arm));
  };
  let isOver = false;
  const arm = () => {
    if (!isOver) again();
  };
  arm();
  try {
    return await work;
  } finally {
    isOver = true;
    cancel();
  }
}
