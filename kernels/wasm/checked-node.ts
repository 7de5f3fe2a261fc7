/** Guards nodes that take indices: wasm's kernels follow any index, out of their tensors into others'. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { indexCheck } from '../ops/index-bounds.js';
import type { Heap, HeapTensor } from './heap.js';

/** The node with its indices checked before each run. */
export function withCheckedIndices(node: ProgramNode, heap: Heap, run: PreparedNode): PreparedNode {
  const check = indexCheck(node);
  if (check === undefined) return run;
  const places = new Map(node.inputNames.map((name, index) => [name, node.inputs[index]!]));
  return (values) => {
    check((input) => heap.view(values[places.get(input)!] as HeapTensor) as Int32Array);
    run(values);
  };
}
