/** Time that passes only from event to event: a simulated second costs as long as its events take to handle. */
import { type CancelTimer, type Clock, createSystemClock } from '../../scheduler/clock.js';
import { EventQueue } from './event-queue.js';

/** What a step of the clock did: an event happened, real work holds the clock, or nothing is to come. */
export type ClockStep = 'event' | 'held' | 'idle';

/**
 * A virtual clock. While it has events it advances by itself: one event per turn of the event loop, so that promises
 * that an event settles have run their course before time goes on. Driven by its caller instead, it advances only by
 * `step()`.
 */
export class VirtualClock implements Clock {
  readonly #events = new EventQueue();
  readonly #drivesItself: boolean;
  #nowMs = 0;
  #holds = 0;
  #scheduled = false;

  constructor(drivenBy: 'itself' | 'caller' = 'itself') {
    this.#drivesItself = drivenBy === 'itself';
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** A timer that keeps the process alive is for what virtual time waits for, too: it counts real time. */
  setTimer(delayMs: number, callback: () => void, keepsAlive = false): CancelTimer {
    if (keepsAlive && this.#drivesItself) return createSystemClock().setTimer(delayMs, callback, true);
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

  /**
   * Lets a host node's function, during which the engine holds the clock, take virtual time. Ends early when the signal
   * aborts.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    this.#holds--;
    return new Promise((resolve) => {
      const wake = () => {
        cancelTimer();
        signal?.removeEventListener('abort', wake);
        this.#holds++;
        resolve();
      };
      const cancelTimer = this.setTimer(ms, wake);
      signal?.addEventListener('abort', wake);
    });
  }

  /** Jumps ahead, as the clock of a machine that was suspended: everything due in between happens late. */
  jump(ms: number): void {
    this.#nowMs += ms;
  }

  /** Advances to the next event. Before the next call, promises that it settles must have run their course. */
  step(): ClockStep {
    if (this.#holds > 0) return 'held';
    const event = this.#events.take();
    if (event === undefined) return 'idle';
    this.#nowMs = Math.max(this.#nowMs, event.atMs);
    event.callback();
    return 'event';
  }

  #schedule(): void {
    if (this.#scheduled || !this.#drivesItself) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#holds > 0 || this.#events.isEmpty) return;
      this.#schedule();
      this.step();
    });
  }
}
