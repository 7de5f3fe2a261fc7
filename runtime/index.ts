/** Curfew's public API. */

export type {
  VirtualFault,
  VirtualLogEntry,
  VirtualNode,
  VirtualOptions,
} from '../kernels/virtual/options.js';
export type { DeviceProfile, ProfileName } from '../kernels/virtual/profiles.js';
export type { CancellationOption, RunMode } from '../scheduler/cancellation.js';
export type { Fallback } from '../scheduler/device.js';
export { CurfewError, ERROR_CODES, type ErrorCode } from '../scheduler/errors.js';
export type { Graph, HostContext, HostFunction } from '../scheduler/graph.js';
export type { Outcome, RunReport } from '../scheduler/outcome.js';
export type { Placement, PlacementFunction } from '../scheduler/placement.js';
export type { DType, Shape, Tensor, TensorData, TensorSpec, TensorSpecs } from '../scheduler/tensor.js';
export type { CompileOptions } from './compile-options.js';
export { createEngine } from './create-engine.js';
export type { TimeDistribution } from './distribution.js';
export type { Engine } from './engine.js';
export { DeadlineExceededError, RunAbortedError, RunError } from './errors.js';
export type { CompiledInfo, EngineEvents, RunInfo } from './events.js';
export type { Executable, ExecutableInfo } from './executable.js';
export type { Feeds } from './feeds.js';
export {
  type BuilderInput,
  type BuilderInputs,
  type BuilderValue,
  GraphBuilder,
  type HostOptions,
  type InlineOptions,
  type KernelOptions,
  type KernelValue,
} from './graph-builder.js';
export type { CloseOptions, EngineOptions, OnDeadline, RunOptions, TimelineOptions } from './options.js';
export type { RunOutputs, RunResult } from './run-result.js';
export type { EngineStats, StreamStats } from './stats.js';
export type { EngineTimeline } from './timeline/engine-timeline.js';
export type { RowAccount, RowParts } from './timeline/row-account.js';
export type { FallbackTime, NodeTime, TimelineSummary } from './timeline/summary.js';
export type { Timeline } from './timeline/timeline.js';
export type {
  TimelineMoment,
  TimelineNode,
  TimelineSpan,
  TimelineSpanKind,
} from './timeline/timeline-data.js';
export type { RunSummary } from './timeline/timeline-view.js';
export type { ChromeTrace, TraceEvent } from './timeline/trace-event.js';
export {
  type TracedInput,
  type TracedOutputs,
  type TraceFunction,
  type TraceResult,
  trace,
} from './trace.js';
