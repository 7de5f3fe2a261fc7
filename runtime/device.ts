/** What a device module is written with: `curfew/device`. DEVICES.md says how. Light, as every stream's worker loads it. */

export { CurfewError, curfewError, type ErrorCode } from '../scheduler/errors.js';
export type { Attributes, AttributeValue, NodeCost, NodeId, ValueId } from '../scheduler/graph.js';
export type {
  BackendMemory,
  BackendOptions,
  Chunk,
  ChunkCompiler,
  ChunkRequest,
  CreateKernelBackend,
  DeviceTensor,
  ImmediateBackend,
  KernelBackend,
  Preparation,
  PreparedNode,
  ProgramNode,
  QueueingBackend,
  Recording,
  TimedWork,
  ValueTable,
} from '../scheduler/kernel.js';
export {
  byteLength,
  bytesOf,
  type DType,
  elementCount,
  type Shape,
  type TensorData,
  type TensorSpec,
  viewData,
} from '../scheduler/tensor.js';
export type { Fences, Mark, WorkQueue } from '../scheduler/work-queue.js';
