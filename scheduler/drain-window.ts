/**
 * The window of devices on which every wait drains what was submitted before (`fences: 'all'`). Nothing can be learned
 * of the middle of what is in flight, so the window is filled and drained in turns. The device idles from the end of a
 * drain until it has the next node: that gap, once per half of `precisionMs`, is the price of precision there.
 */
import type { NodeCosts } from './cancellation.js';
import { type InFlightWindow, type MakeRoom, NO_WAIT, WINDOW_SHARE } from './in-flight-window.js';

/** What is in flight of one segment. Steps are consecutive: from `#head` to before `#tail`. */
export class DrainWindow implements InFlightWindow {
  readonly #costs: NodeCosts;
  readonly #windowMs: number;
  #head: number;
  #tail: number;
  #inFlightMs = 0;
  /** When the device started on what is in flight: it was idle before. */
  #startedMs = 0;

  constructor(costs: NodeCosts, precisionMs: number, firstStep: number) {
    this.#costs = costs;
    this.#windowMs = precisionMs * WINDOW_SHARE;
    this.#head = firstStep;
    this.#tail = firstStep;
  }

  get head(): number {
    return this.#head;
  }

  get isEmpty(): boolean {
    return this.#head === this.#tail;
  }

  get last(): number {
    return this.#tail - 1;
  }

  submitted(step: number, nowMs: number): void {
    if (this.isEmpty) {
      this.#startedMs = nowMs;
      this.#inFlightMs = 0;
    }
    this.#tail = step + 1;
    this.#inFlightMs += this.#costs.ms[step]!;
  }

  /** The device worked on all of it without a gap, so the time since it started is what it took, or a bound of that. */
  finished(step: number, nowMs: number, waited: boolean): void {
    const elapsedMs = nowMs - this.#startedMs;
    if (waited || elapsedMs < this.#inFlightMs) this.#costs.learn(this.#head, step + 1, elapsedMs);
    this.passed(step);
  }

  passed(step: number): void {
    this.#head = step + 1;
  }

  /** The device idles after each drain: it must not wait for more than the first step. */
  mayDefer(): boolean {
    return false;
  }

  handedOver(): void {}

  /** A node never measured goes alone, and thereby is measured. */
  makeRoom(costMs: number): MakeRoom {
    if (this.isEmpty || this.#inFlightMs + costMs <= this.#windowMs) return NO_WAIT;
    return { kind: 'fence', step: this.last };
  }
}
