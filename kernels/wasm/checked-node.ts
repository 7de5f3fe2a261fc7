/** Guards nodes that take indices or sizes: wasm's kernels follow any index, out of their tensors into others'. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { valueCheck } from '../ops/value-check.js';
import type { Heap, HeapTensor } from './heap.js';

/** The node with the values of its inputs checked before each run. */
export function withCheckedValues(node: ProgramNode, heap: Heap, run: PreparedNode): PreparedNode {
  const check = valueCheck(node);
  if (check === undefined) return run;
  const places = new Map(node.inputNames.map((name, index) => [name, node.inputs[index]!]));
  return (values) => {
    check((input) => heap.view(values[places.get(input)!] as HeapTensor) as Int32Array);
    run(values);
  };
}
