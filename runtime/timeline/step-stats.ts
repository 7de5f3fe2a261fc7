/**
 * Timelines in TensorFlow's terms: `StepStats`, `DeviceStepStats`, `NodeExecStats`, `AllocatorMemoryUsed` and `NodeOutput` of
 * tensorflow/core/framework/step_stats.proto, with the names of its fields. TensorFlow counts micros from the epoch; here
 * they count from the call of `run()`, or from the start of the engine's timeline.
 */
import { byteLength, type DType, type TensorSpec } from '../../scheduler/tensor.js';
import type { EngineTimeline } from './engine-timeline.js';
import { sourceOf } from './given.js';
import type { Timeline } from './timeline.js';
import type { TimelineNode } from './timeline-data.js';

/** `TensorDescription`, as far as Curfew knows. */
export interface TensorDescription {
  readonly dtype: 'DT_FLOAT' | 'DT_INT32' | 'DT_BOOL';
  readonly shape: { readonly dim: readonly { readonly size: number }[] };
  readonly allocation_description: { readonly requested_bytes: number };
}

/** `NodeExecStats`: one execution of a node, in whole microseconds. */
export interface NodeExecStats {
  readonly node_name: string;
  /** When the node was handed over; 0 when that record was dropped. */
  readonly scheduled_micros: number;
  readonly all_start_micros: number;
  /** From `all_start_micros`: 0, as a node of Curfew consists of its op. */
  readonly op_start_rel_micros: number;
  readonly op_end_rel_micros: number;
  readonly all_end_rel_micros: number;
  /** Bytes in use on the stream when the node ended. Empty for host nodes. */
  readonly memory: readonly { readonly allocator_name: string; readonly allocator_bytes_in_use: number }[];
  readonly output: readonly { readonly slot: number; readonly tensor_description: TensorDescription }[];
  /** `name = Op(input shapes)`. */
  readonly timeline_label: string;
  /** Index of the stream; 0 on the main thread. */
  readonly thread_id: number;
}

/** `StepStats`: one device for each stream, and one for the main thread. */
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

/**
 * Gives statistics of every executed node in TensorFlow's terms, by stream and in order of time.
 *
 * @throws INVALID_OPTION for anything but the timeline of a run or of an engine
 * @example
 * const { dev_stats } = stepStats(timeline);
 * for (const { node_name, all_end_rel_micros } of dev_stats[0].node_stats) console.log(node_name, all_end_rel_micros);
 */
export function stepStats(timeline: Timeline | EngineTimeline): StepStats {
  const { device, runs } = sourceOf(timeline, 'stepStats');
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
