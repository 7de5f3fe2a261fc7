/** One segment of one run as a stream's thread executes it: what the node loops work on, and what they return. */
import type { ControlWord, NodeCosts } from './cancellation.js';
import type { Clock } from './clock.js';
import type { NodeId, ValueId } from './graph.js';
import type { DeviceTensor, KernelBackend, PreparedNode, ValueTable } from './kernel.js';
import type { StepPart, StreamTimeline } from './stream-timeline.js';
import type { TensorSpec } from './tensor.js';

/** A value that is copied out once the step that makes it is over. */
export interface PreparedExport {
  readonly value: ValueId;
  readonly spec: TensorSpec;
  /** Its place in the run's exchange buffer; `undefined` when no other stream reads it. */
  readonly byteOffset: number | undefined;
  /** Whether the main thread needs a copy: a graph output, or an input of a host node. */
  readonly toMain: boolean;
}

/** What others need of a step. */
export interface PreparedExports {
  readonly values: readonly PreparedExport[];
  /** Whether a unit waits for it: then it is told at once, otherwise with the end of the segment. */
  readonly awaited: boolean;
}

/** A step made ready by the stream that executes it. */
export interface PreparedStep {
  /** The node that the step shows as in reports and timelines; of several, the first. */
  readonly node: NodeId;
  /** Its name, for messages. */
  readonly name: string;
  /** The nodes of a chunk. */
  readonly parts?: readonly StepPart[] | undefined;
  /** Nodes that are complete once it has executed: none, one, several. */
  readonly completes: readonly NodeId[];
  readonly run: PreparedNode;
  /** Values whose last use this is; `undefined` when there are none. */
  readonly frees: readonly ValueId[] | undefined;
  readonly exports: PreparedExports | undefined;
}

/** Takes what one step has made and others need: asks for each value's tensor, then takes its bytes. */
export interface StepCopy {
  /** The tensor to read. @throws KERNEL_FAILED when it is not what the graph promises */
  tensor(value: PreparedExport): DeviceTensor;
  /** Copies the bytes. They are valid until this returns. */
  take(value: PreparedExport, bytes: Uint8Array): void;
  /** All values have been taken: whoever waits for the step is told. */
  end(): void;
}

/** What the loops work on. */
export interface SegmentExecution {
  readonly steps: readonly PreparedStep[];
  readonly firstStep: number;
  readonly endStep: number;
  readonly values: ValueTable;
  readonly backend: KernelBackend;
  readonly control: ControlWord;
  readonly clock: Clock;
  readonly costs: NodeCosts;
  /** Begins to copy out what others need of a step that is over. */
  copyOut(step: number, exports: PreparedExports): StepCopy;
  /** Where the run is recorded, if it is. */
  readonly timeline: StreamTimeline | undefined;
}

/** Where a loop ended: `nextStep === endStep` when the segment is complete. */
export interface LoopResult {
  readonly nextStep: number;
  readonly status: 'completed' | 'stopped' | 'failed';
  /** What the step at `nextStep` threw. */
  readonly error?: unknown;
}

/** Gives up a value of the run. */
export function releaseValue(values: ValueTable, backend: KernelBackend, value: ValueId): void {
  const tensor = values[value];
  if (tensor === undefined) return;
  values[value] = undefined;
  backend.release(tensor);
}
