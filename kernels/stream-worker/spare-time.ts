/** When a stream's thread does what can wait: in turns of the event loop without a message, and a little between messages. */
import type { Clock } from '../../scheduler/clock.js';

/** Work that has had no turn for this long gets this much of the time after a message. */
const STARVING_MS = 100;
const SLICE_MS = 5;

/** The work. */
export interface SpareWork {
  readonly clock: Clock;
  hasWork(): boolean;
  /** Does a piece of it; then `onIdle` is called again. Returns whether that happened within the call. */
  doPiece(): boolean;
}

export class SpareTime {
  readonly #work: SpareWork;
  #isScheduled = false;
  #isInSlice = false;
  #lastMs: number | undefined;

  constructor(work: SpareWork) {
    this.#work = work;
  }

  /** The thread has handled a message, or done a piece, and nothing is known to wait. */
  onIdle(): void {
    if (this.#isInSlice) return;
    if (!this.#work.hasWork()) {
      this.#lastMs = undefined;
      return;
    }
    this.#schedule();
    const nowMs = this.#work.clock.nowMs();
    this.#lastMs ??= nowMs;
    // A port that is never empty hands over one message after the other, and timers and turns have to wait.
    if (nowMs - this.#lastMs > STARVING_MS) this.#slice(nowMs + SLICE_MS);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // Messages that have come meanwhile are handled first.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#doPiece();
    });
  }

  #slice(endMs: number): void {
    this.#isInSlice = true;
    while (this.#work.hasWork() && this.#work.clock.nowMs() < endMs && this.#doPiece());
    this.#isInSlice = false;
  }

  #doPiece(): boolean {
    this.#lastMs = this.#work.clock.nowMs();
    return this.#work.doPiece();
  }
}
