/**
 * Timelines in TensorFlow's terms: `StepStats`, `DeviceStepStats`, `NodeExecStats`, `AllocatorMemoryUsed` and `NodeOutput` of
 * tensorflow/core/framework/step_stats.proto, with the names of its fields. TensorFlow counts micros from the epoch; here
 * they count from the call of `run()`, or from the start of the engine's timeline.
 */
import { byteLength, type DType, type TensorSpec } from '../../scheduler/tensor.js';
import type { TimelineData, TimelineNode } from './timeline-data.js';

/** `TensorDescription`, as far as Curfew knows. */
export interface TensorDescription {
  readonly dtype: 'DT_FLOAT' | 'DT_INT32' | 'DT_BOOL';
  readonly shape: { readonly dim: readonly { readonly size: number }[] };
  readonly allocation_description: { readonly requested_bytes: number };
}

/** `NodeExecStats`: one execution of a node. Whole microseconds. */
export interface NodeExecStats {
  readonly node_name: string;
  /** When the node was handed over; 0 when that record was dropped. */
  readonly scheduled_micros: number;
  readonly all_start_micros: number;
  /** From `all_start_micros`; 0, as Curfew's nodes consist of their op. */
  readonly op_start_rel_micros: number;
  readonly op_end_rel_micros: number;
  readonly all_end_rel_micros: number;
  /** Bytes in use on the stream when the node ended. None for host nodes. */
  readonly memory: readonly { readonly allocator_name: string; readonly allocator_bytes_in_use: number }[];
  readonly output: readonly { readonly slot: number; readonly tensor_description: TensorDescription }[];
  /** `name = Op(input shapes)`. */
  readonly timeline_label: string;
  /** Index of the stream; 0 on the main thread. */
  readonly thread_id: number;
}

/** `StepStats`: a device per stream, and one for the main thread. */
export interface StepStats {
  readonly dev_stats: readonly { readonly device: string; readonly node_stats: readonly NodeExecStats[] }[];
}

const DTYPES: Readonly<Record<DType, TensorDescription['dtype']>> = {
  float32: 'DT_FLOAT',
  int32: 'DT_INT32',
  bool: 'DT_BOOL',
};

/** Stands for the main thread among indices of streams. */
const MAIN_THREAD = -1;

const toMicros = (ms: number): number => Math.round(ms * 1e3);

function describe(spec: TensorSpec): TensorDescription {
  return {
    dtype: DTYPES[spec.dtype],
    shape: { dim: spec.shape.map((size) => ({ size })) },
    allocation_description: { requested_bytes: byteLength(spec) },
  };
}

function statsOf(node: TimelineNode, allocator: string): NodeExecStats {
  const { name, op, inputs, outputs, startMs, endMs, scheduledMs, bytesLive, stream } = node;
  const startMicros = toMicros(startMs);
  const durationMicros = toMicros(endMs) - startMicros;
  return {
    node_name: name,
    scheduled_micros: toMicros(scheduledMs ?? 0),
    all_start_micros: startMicros,
    op_start_rel_micros: 0,
    op_end_rel_micros: durationMicros,
    all_end_rel_micros: durationMicros,
    memory: bytesLive === undefined ? [] : [{ allocator_name: allocator, allocator_bytes_in_use: bytesLive }],
    output: outputs.map((spec, slot) => ({ slot, tensor_description: describe(spec) })),
    timeline_label: `${name} = ${op}(${inputs.map(({ shape }) => `[${shape.join(',')}]`).join(', ')})`,
    thread_id: stream ?? 0,
  };
}

/** The nodes of some runs by stream, in order of time. */
export function toStepStats(device: string, runs: readonly TimelineData[]): StepStats {
  const nodes = runs.flatMap((run) => run.nodes).sort((a, b) => a.startMs - b.startMs);
  const streamOf = (node: TimelineNode) => node.stream ?? MAIN_THREAD;
  const streams = [...new Set(nodes.map(streamOf))].sort((a, b) => a - b);
  return {
    dev_stats: streams.map((stream) => ({
      device: stream === MAIN_THREAD ? '/host:main' : `/device:${device}:${stream}`,
      node_stats: nodes.filter((node) => streamOf(node) === stream).map((node) => statsOf(node, device)),
    })),
  };
}
