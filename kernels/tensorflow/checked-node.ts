/** Guards nodes that take indices: TensorFlow's kernels on a GPU pass over wrong ones in silence. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { indexCheck } from '../ops/index-bounds.js';
import type { CountedBinding } from './counted-binding.js';
import type { TensorFlowTensor } from './tensor.js';

/** The node with its indices checked before each run. */
export function withCheckedIndices(
  node: ProgramNode,
  binding: CountedBinding,
  run: PreparedNode,
): PreparedNode {
  const check = indexCheck(node);
  if (check === undefined) return run;
  const places = new Map(node.inputNames.map((name, index) => [name, node.inputs[index]!]));
  return (values) => {
    check((input) => {
      const { id } = values[places.get(input)!] as TensorFlowTensor;
      return binding.tensorDataSync(id) as Int32Array;
    });
    run(values);
  };
}
