/** Measures how long the main thread's event loop was held: the largest gap between ticks of a 1 ms interval. */
import { setTimeout as sleep } from 'node:timers/promises';

const INTERVAL_MS = 1;

/** Records from its creation until `stop()`. */
export class GapRecorder {
  #lastMs = performance.now();
  #largestMs = 0;
  readonly #timer = setInterval(() => this.#tick(), INTERVAL_MS);

  #tick(): void {
    const nowMs = performance.now();
    this.#largestMs = Math.max(this.#largestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  /** The largest gap in milliseconds; what is still open counts. */
  stop(): number {
    this.#tick();
    clearInterval(this.#timer);
    return this.#largestMs;
  }
}

/** The largest gap in milliseconds while `work` goes on. */
export async function gapDuring(work: () => unknown): Promise<number> {
  const recorder = new GapRecorder();
  // The interval needs a turn before it can show a gap that begins at once.
  await sleep(1);
  await work();
  await sleep(1);
  return recorder.stop();
}
