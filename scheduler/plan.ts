/** The plan: the frozen result of compiling a graph, which every run of it shares. */
import type { Graph, HostNode, NodeId, ValueId } from './graph.js';
import type { ExchangeEntry, StreamProgram } from './program.js';
import type { TensorData } from './tensor.js';

/** What the scheduler dispatches: a segment on a lane, or a host node on the main thread. */
export type Unit =
  | {
      readonly kind: 'segment';
      readonly index: number;
      readonly lane: number;
      /** Index into the lane's `StreamProgram.segments`. */
      readonly segment: number;
      readonly nodes: readonly NodeId[];
    }
  | { readonly kind: 'host'; readonly index: number; readonly node: HostNode };

/** A frozen plan. Everything a run needs to know that is the same for all runs. */
export interface Plan {
  readonly graph: Graph;
  /** Streams a run takes: 1, or several when the graph is spread. */
  readonly lanes: number;
  readonly units: readonly Unit[];
  /** Prerequisites of each unit: awaited nodes of elsewhere, and submissions of earlier segments of its lane. */
  readonly pending: Int32Array;
  /** Units that wait for a node. */
  readonly afterNode: ReadonlyMap<NodeId, readonly number[]>;
  /** Units that wait for a unit's submission. */
  readonly afterSubmission: readonly (readonly number[])[];
  readonly programs: readonly StreamProgram[];
  /** The constants of all programs, back to back. */
  readonly constantBytes: number;
  /** Size of a run's exchange buffer. */
  readonly exchangeBytes: number;
  /** Feeds and host values that streams read, by value. */
  readonly exchange: ReadonlyMap<ValueId, ExchangeEntry>;
  /** Constants that the main thread hands out: graph outputs, and inputs of host nodes. */
  readonly mainConstants: readonly { readonly value: ValueId; readonly data: TensorData }[];
  /** Kernel and host nodes. */
  readonly workNodes: number;
}
