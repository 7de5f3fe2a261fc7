/** What the dispatch of a run is given, and what it gives back. */
import type { CancellationMode, ControlWord } from './cancellation.js';
import type { Clock } from './clock.js';
import type { CurfewError } from './errors.js';
import type { HostNode, ValueId } from './graph.js';
import type { Plan } from './plan.js';
import type { RunTimeline } from './run-timeline.js';
import type { ProgramKey, SlotIndex, Stream } from './stream.js';
import type { Tensor, TensorData } from './tensor.js';

/** How a host node ended. */
export type HostResult =
  /** `outputs` belong to nobody else. */
  | { readonly status: 'completed'; readonly outputs: readonly TensorData[] }
  | { readonly status: 'stopped' }
  | { readonly status: 'failed'; readonly error: CurfewError };

/** What a run holds while it is in flight. Its owner releases it, once nothing of the run is left on its streams. */
export interface RunLease {
  readonly slot: SlotIndex;
  /** The stream of each lane. */
  readonly streams: readonly Stream[];
  readonly control: ControlWord;
  /** The slot's exchange buffer, of at least `plan.exchangeBytes`. */
  readonly exchange: Uint8Array;
  /** Sets the state of the control word unless the run is stopped already. */
  stop(state: number): void;
}

/** Everything a run brings to its plan. */
export interface DispatchRequest {
  readonly plan: Plan;
  readonly lease: RunLease;
  /** Key of the program of lane 0; those of the others follow it. */
  readonly program: ProgramKey;
  readonly mode: CancellationMode;
  readonly clock: Clock;
  /** Milliseconds that in-flight work may go on after a stop; beyond it the dispatch gives up on it. */
  readonly drainLimitMs: number | undefined;
  /** Where the run is recorded, if it is. */
  readonly timeline: RunTimeline | undefined;
  /** Feeds by the value they fill, checked against the graph. */
  readonly feeds: ReadonlyMap<ValueId, TensorData>;
  /** Runs a host node; never rejects. The signal aborts when the run is stopped. */
  runHost(node: HostNode, inputs: Readonly<Record<string, Tensor>>, signal: AbortSignal): Promise<HostResult>;
}

/** How the dispatch of a run ended. By then nothing of it is in flight. */
export interface DispatchResult {
  /** `completed`: every node ran, whatever the clock says by now. */
  readonly status: 'completed' | 'stopped' | 'failed';
  readonly error: CurfewError | undefined;
  /** All that the main thread has by then, by value: feeds, constants, what host nodes and streams have given it. */
  readonly values: ReadonlyMap<ValueId, TensorData>;
  readonly nodesCompleted: number;
  readonly stoppedBefore: string | undefined;
  /** When the last device work was over, where streams measured it. */
  readonly deviceEndedMs: number | undefined;
  /**
   * `undefined` when no stream holds anything of the run any more. Otherwise resolves when that is so: a stream that
   * executes another run's segment releases what a stopped run left there when it gets to it.
   */
  readonly released: Promise<void> | undefined;
}
