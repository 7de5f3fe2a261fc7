/** Guards nodes that take indices: TensorFlow's kernels on a GPU pass over wrong ones in silence. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { withChecks } from '../ops/checked-node.js';
import type { CountedBinding } from './counted-binding.js';
import type { TensorFlowTensor } from './tensor.js';

/** The node with the values of its inputs checked before it runs. */
export function withCheckedValues(
  node: ProgramNode,
  binding: CountedBinding,
  run: PreparedNode,
): PreparedNode {
  const read = (tensor: TensorFlowTensor) => binding.tensorDataSync(tensor.id) as Int32Array;
  return withChecks(node, (tensor) => read(tensor as TensorFlowTensor), run);
}
