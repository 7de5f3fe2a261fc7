/** Guards the cache of packed matrices, which the kernels key by tensor id and forget to key by shape. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import type { Heap, HeapTensor } from './heap.js';

const PACKS_RIGHT_SIDE = new Set(['BatchMatMul', '_FusedMatMul']);

/**
 * Drops what is packed of the right-hand side when it was packed as another matrix: tensors that `Reshape` makes
 * share the id, so a [4,6] matrix multiplied once more as [6,4] would meet the first packing.
 */
export function withFreshPacking(node: ProgramNode, heap: Heap, run: PreparedNode): PreparedNode {
  if (!PACKS_RIGHT_SIDE.has(node.op)) return run;
  const place = node.inputs[node.inputNames.indexOf('b')]!;
  const shape = node.inputSpecs[node.inputNames.indexOf('b')]!.shape.slice(-2).join();
  return (values) => {
    const block = (values[place] as HeapTensor).dataId;
    if (block.packedShape !== shape) {
      if (block.packedShape !== undefined) heap.forgetPacked(block);
      block.packedShape = shape;
    }
    run(values);
  };
}
