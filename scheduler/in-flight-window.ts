/**
 * The estimated work in flight on a queueing device: nodes submitted and not known to be finished. `{ precisionMs }`
 * bounds this time, not the number of nodes, so that a stop finds little to drain. How room is made depends on what the
 * device's fences can do: see `mark-window.ts` and `drain-window.ts`.
 */
import type { NodeCosts } from './cancellation.js';

/** A fence or a pause that would make room, or that keeps the estimate honest. */
export type MakeRoom =
  | { readonly kind: 'none' }
  /** Wait until this step has finished. */
  | { readonly kind: 'fence'; readonly step: number }
  /** Wait this long: the node in flight is longer than the window and nearly done by then. */
  | { readonly kind: 'pause'; readonly ms: number };

export const NO_WAIT: MakeRoom = Object.freeze({ kind: 'none' });

/**
 * Share of `precisionMs` that the work in flight may be estimated to take. Half, because an estimate may be low by a
 * factor of two until fences have corrected it.
 */
export const WINDOW_SHARE = 0.5;

/** What is in flight of one segment, and when more may follow. */
export interface InFlightWindow {
  /** The first step not known to be finished. */
  readonly head: number;
  /** The last step in flight. */
  readonly last: number;
  readonly isEmpty: boolean;
  /** A step has been submitted. */
  submitted(step: number, nowMs: number): void;
  /** A fence found everything up to `step` finished, having had to wait for that or not. */
  finished(step: number, nowMs: number, waited: boolean): void;
  /** Everything up to `step` has finished; when is not of interest. */
  passed(step: number): void;
  /**
   * Whether the step submitted last may reach the device together with those after it: so little that a mark among them,
   * which then is the last one's, still tells precisely enough.
   */
  mayDefer(): boolean;
  /** Everything submitted so far has reached the device. */
  handedOver(nowMs: number): void;
  /** What has to happen before a node of this estimated cost may be submitted. */
  makeRoom(costMs: number, nowMs: number): MakeRoom;
}

/** Sum of the estimates of the steps from `first` to before `end`, in milliseconds. */
export function sumEstimatesMs(costs: NodeCosts, first: number, end: number): number {
  let sumMs = 0;
  for (let step = first; step < end; step++) sumMs += costs.ms[step]!;
  return sumMs;
}
