/** Time that passes only from event to event: a simulated second costs as long as its events take to handle. */
import type { CancelTimer, Clock } from '../../scheduler/clock.js';
import { EventQueue } from './event-queue.js';

/**
 * A virtual clock. While it has events it advances by itself: one event per turn of the event loop, so that promises
 * that an event settles have run their course before time goes on.
 */
export class VirtualClock implements Clock {
  readonly #events = new EventQueue();
  #nowMs = 0;
  #holds = 0;
  #scheduled = false;

  nowMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): CancelTimer {
    const event = this.#events.add(this.#nowMs + Math.max(0, delayMs), callback);
    this.#schedule();
    return () => {
      event.cancelled = true;
    };
  }

  hold(): () => void {
    this.#holds++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holds--;
      this.#schedule();
    };
  }

  /** Jumps ahead, as the clock of a machine that was suspended: everything due in between happens late. */
  jump(ms: number): void {
    this.#nowMs += ms;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#advance();
    });
  }

  #advance(): void {
    if (this.#holds > 0) return;
    const event = this.#events.take();
    if (event === undefined) return;
    this.#nowMs = Math.max(this.#nowMs, event.atMs);
    this.#schedule();
    event.callback();
  }
}
