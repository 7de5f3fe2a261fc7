/** Guards nodes that take indices or sizes: shaders stay within their tensors, and compute something else there. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { withChecks } from '../ops/checked-node.js';
import type { Gpu } from './gpu.js';
import type { GpuTensor } from './tensor.js';
import { readTensor } from './transfer.js';

/** The node with the values of its inputs checked before it runs, which waits for them. */
export function withCheckedValues(node: ProgramNode, gpu: Gpu, run: PreparedNode): PreparedNode {
  return withChecks(node, (tensor) => readTensor(gpu, tensor as GpuTensor).data as Int32Array, run);
}
