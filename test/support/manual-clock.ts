/** A clock that a test moves, and that counts who looks at it. */
import type { CancelTimer, Clock } from '../../scheduler/clock.js';

/**
 * Where the clock starts: centuries after any machine's boot. Deadlines on this axis never come for the watchdog, which
 * looks at the machine's own clock, so only the test makes them pass.
 */
const ORIGIN_MS = 1e12;

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

export class ManualClock implements Clock {
  /** How often `nowMs` was called. */
  reads = 0;
  readonly #timers = new Set<Timer>();
  #nowMs = ORIGIN_MS;

  nowMs(): number {
    this.reads++;
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): CancelTimer {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Timers that have neither fired nor been cancelled. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Moves on without calling anything, as when the main thread is busy meanwhile. */
  skip(ms: number): void {
    this.#nowMs += ms;
  }

  /** Moves on, and calls what is due in order. */
  advance(ms: number): void {
    this.#nowMs += ms;
    const due = [...this.#timers].filter(({ atMs }) => atMs <= this.#nowMs).sort((a, b) => a.atMs - b.atMs);
    for (const timer of due) {
      if (this.#timers.delete(timer)) timer.callback();
    }
  }
}
