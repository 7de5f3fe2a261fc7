/** What one stream executes of a plan. Plain data: sent to the stream's worker once, when a graph is compiled. */
import type { CancellationMode } from './cancellation.js';
import type { NodeId, ValueId } from './graph.js';
import type { ProgramNode } from './kernel.js';
import type { TensorSpec } from './tensor.js';

/** A value's place in the run's exchange buffer, through which values reach a stream. */
export interface ExchangeEntry {
  readonly value: ValueId;
  /** Name of the node that makes the value, for messages. */
  readonly name: string;
  readonly spec: TensorSpec;
  /** Bytes from the start of the exchange buffer; a multiple of 8. */
  readonly byteOffset: number;
}

/** A constant's place in the plan's constant buffer. */
export interface ConstantEntry {
  readonly value: ValueId;
  readonly spec: TensorSpec;
  readonly byteOffset: number;
}

/** What happens to a step's outputs once it is over. */
export interface NodeExports {
  /** Values copied into the exchange buffer, for other streams. */
  readonly toExchange: readonly ExchangeEntry[];
  /** Values copied out for the main thread: graph outputs and inputs of host nodes. */
  readonly toMain: readonly { readonly value: ValueId; readonly spec: TensorSpec }[];
  /** Whether a unit waits for this step: then it is told at once, otherwise with the end of the segment. */
  readonly awaited: boolean;
}

/**
 * What a stream executes at once: the kernel of a node, a piece of it, several nodes fused into one. A stop falls
 * between steps; reports count nodes, by what the steps that executed have completed.
 */
export interface ProgramStep {
  /** The kernel. Reports and timelines show the step as this node. */
  readonly node: ProgramNode;
  /** Nodes that are complete once the step has executed: none for a piece but the last, several for fused nodes. */
  readonly completes: readonly NodeId[];
  /** Values whose last use is this step; released after it. */
  readonly frees: readonly ValueId[];
  readonly exports: NodeExports | undefined;
}

/** Consecutive steps: the first, and the one after the last. */
export interface StepRange {
  readonly firstStep: number;
  readonly endStep: number;
}

/** A run of steps without a wait inside. */
export interface SegmentProgram extends StepRange {
  /** Values to bring in from the exchange buffer unless an earlier segment of the run did. */
  readonly imports: readonly ExchangeEntry[];
  /** Values this segment shares with other segments of the stream; each is released when its last user ends. */
  readonly shared: readonly ValueId[];
}

/** A value used by several segments of one stream, with the number of these segments. */
export interface SharedValue {
  readonly value: ValueId;
  readonly segments: number;
}

/** How a stream may execute several nodes as one call, on a device that compiles chunks. */
export interface ChunkPlan {
  /** Modes whose chunks are made when the program is loaded. Others follow between runs, when a run first uses the mode. */
  readonly ahead: readonly CancellationMode[];
}

/** The part of a plan that one stream executes. */
export interface StreamProgram {
  /** Length of a value table. */
  readonly valueCount: number;
  readonly constants: readonly ConstantEntry[];
  readonly steps: readonly ProgramStep[];
  readonly segments: readonly SegmentProgram[];
  readonly sharedValues: readonly SharedValue[];
  /** `undefined`: every node is executed by itself. */
  readonly chunks?: ChunkPlan | undefined;
}
