/**
 * The window of devices whose fences wait for one mark (`fences: 'each'`): a fence in the middle of what is in flight
 * makes room while the device goes on with the rest, so that it never idles.
 */
import type { NodeCosts } from './cancellation.js';
import {
  type InFlightWindow,
  type MakeRoom,
  NO_WAIT,
  sumEstimatesMs,
  WINDOW_SHARE,
} from './in-flight-window.js';

/**
 * Estimated work in milliseconds that is left when the next node may be submitted, however long that node is. It covers
 * the time from the decision until the device has the node, so that the device goes from one to the next without a gap.
 */
const LEAD_MS = 0.05;

/** Pauses shorter than this are not worth it, and rounding must not make an endless row of them. */
const SHORTEST_PAUSE_MS = 0.001;

/** Share of the window that may reach the device at once. */
const DEFERRED_SHARE = 0.125;

/** Share of its estimate that a node must have taken for estimates to be good enough to pause by. */
const TRUSTED_SHARE = 0.75;

/** What is in flight of one segment. Steps are consecutive: from `#head` to before `#tail`. */
export class MarkWindow implements InFlightWindow {
  readonly #costs: NodeCosts;
  readonly #precisionMs: number;
  readonly #windowMs: number;
  readonly #firstStep: number;
  #head: number;
  #tail: number;
  /** When the device started on the step at the head, at the earliest and at the latest. */
  #earliestStartMs = 0;
  #latestStartMs = 0;
  /** When each step was submitted, from `#firstStep` on. */
  readonly #submittedMs: number[] = [];
  /** The step that the last pause was made for. */
  #pausedStep = -1;
  /** Whether estimates are good enough to pause by. */
  #mayPause = true;
  /** When a fence last showed how far the device is. */
  #verifiedMs = 0;
  /** Sum of the estimates of the steps that have not reached the device. */
  #deferredMs = 0;
  /** The first of them, if there are any. */
  #deferredFrom: number;
  /** Sum of the estimates from head to tail, kept so that submitting a node costs the same however many are in flight. */
  #inFlightMs = 0;

  constructor(costs: NodeCosts, precisionMs: number, firstStep: number) {
    this.#costs = costs;
    this.#precisionMs = precisionMs;
    this.#windowMs = precisionMs * WINDOW_SHARE;
    this.#firstStep = firstStep;
    this.#head = firstStep;
    this.#tail = firstStep;
    this.#deferredFrom = firstStep;
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
      this.#startedAt(nowMs, nowMs);
      this.#verifiedMs = nowMs;
      this.#inFlightMs = 0;
    }
    this.#submittedMs.push(nowMs);
    this.#tail = step + 1;
    this.#inFlightMs += this.#costs.ms[step]!;
    this.#deferredMs += this.#costs.ms[step]!;
  }

  mayDefer(): boolean {
    return this.#deferredMs <= this.#windowMs * DEFERRED_SHARE;
  }

  /** What was deferred while nothing else was in flight starts now. */
  handedOver(nowMs: number): void {
    if (this.#deferredFrom === this.#head && this.#tail - this.#head > 1) this.#startedAt(nowMs, nowMs);
    this.#deferredMs = 0;
    this.#deferredFrom = this.#tail;
  }

  finished(step: number, nowMs: number, waited: boolean): void {
    this.#learn(step, nowMs, waited);
    this.#head = step + 1;
    this.#inFlightMs = sumEstimatesMs(this.#costs, this.#head, this.#tail);
    this.#verifiedMs = nowMs;
    // Waiting hands everything over.
    this.#deferredMs = 0;
    this.#deferredFrom = this.#tail;
    if (waited || this.isEmpty) this.#startedAt(nowMs, nowMs);
    else this.#startedUnseen(nowMs);
  }

  #startedAt(earliestMs: number, latestMs: number): void {
    this.#earliestStartMs = earliestMs;
    this.#latestStartMs = latestMs;
  }

  /** The device went on to the step at the head before the fence asked, but not before it had it. */
  #startedUnseen(nowMs: number): void {
    const submittedMs = this.#submittedMs[this.#head - this.#firstStep]!;
    // The step submitted last was submitted right before the fence: as good as knowing when it started.
    const isLast = this.#tail - this.#head === 1;
    this.#startedAt(submittedMs, isLast ? submittedMs : nowMs);
  }

  /**
   * Moves the estimate of the steps from the head to `step` into the range of what they can have taken: the time since
   * the device started on them, or anything less when the fence did not have to wait for their end.
   */
  #learn(step: number, nowMs: number, waited: boolean): void {
    const estimateMs = sumEstimatesMs(this.#costs, this.#head, step + 1);
    const leastMs = waited ? nowMs - this.#latestStartMs : 0;
    const mostMs = nowMs - this.#earliestStartMs;
    const pausedTooLong = !waited && step === this.#pausedStep;
    if (waited) this.#mayPause = leastMs >= estimateMs * TRUSTED_SHARE;
    else if (pausedTooLong) this.#mayPause = false;
    // A pause ends only just before the estimate does; the most would come down by that little in each run.
    const learntMs = pausedTooLong ? mostMs / 2 : Math.min(mostMs, Math.max(leastMs, estimateMs));
    if (learntMs !== estimateMs) this.#costs.learn(this.#head, step + 1, learntMs);
  }

  passed(step: number): void {
    this.#head = step + 1;
  }

  /**
   * What has to happen before a node of this estimated cost may be submitted. A pause is a guess when the node in flight
   * ends. It is made only for a node of at most `precisionMs`, so that not more than that is left of it, were the
   * estimate low by a factor of two; and not while estimates prove too high, when a fence costs the device less.
   */
  makeRoom(costMs: number, nowMs: number): MakeRoom {
    if (this.isEmpty) return NO_WAIT;
    const inFlightMs = this.#inFlightMs;
    if (!Number.isFinite(inFlightMs) || !Number.isFinite(costMs)) return { kind: 'fence', step: this.last };
    const single = this.#tail - this.#head === 1;
    // Estimates alone would let the queue grow unseen, were they too low.
    if (!single && nowMs - this.#verifiedMs >= this.#windowMs)
      return { kind: 'fence', step: this.#middle(inFlightMs / 2) };
    const leftMs = Math.max(0, inFlightMs - (nowMs - this.#latestStartMs));
    const targetMs = Math.max(LEAD_MS, Math.min(this.#windowMs / 2, this.#windowMs - costMs));
    if (leftMs + costMs <= this.#windowMs || leftMs <= targetMs + SHORTEST_PAUSE_MS) return NO_WAIT;
    if (!single) return { kind: 'fence', step: this.#middle(targetMs) };
    if (!this.#mayPause || inFlightMs > this.#precisionMs) return { kind: 'fence', step: this.last };
    this.#pausedStep = this.last;
    return { kind: 'pause', ms: leftMs - targetMs };
  }

  /** The first step after which at most `leftMs` of estimated work remain; never the last one while there are two. */
  #middle(leftMs: number): number {
    let afterMs = 0;
    let step = this.last;
    while (step > this.#head && afterMs + this.#costs.ms[step]! <= leftMs) {
      afterMs += this.#costs.ms[step]!;
      step--;
    }
    return Math.min(step, Math.max(this.#head, this.last - 1));
  }
}
