/** Guards nodes that take indices or sizes: wasm's kernels follow any index, out of their tensors into others'. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { withChecks } from '../ops/checked-node.js';
import type { Heap, HeapTensor } from './heap.js';

/** The node with the values of its inputs checked before it runs. */
export function withCheckedValues(node: ProgramNode, heap: Heap, run: PreparedNode): PreparedNode {
  return withChecks(node, (tensor) => heap.view(tensor as HeapTensor) as Int32Array, run);
}
