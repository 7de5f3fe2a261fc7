/** Nodes that run on the cpu kernels because wasm's are missing or wrong. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { bytesOf, type Tensor, viewData } from '../../scheduler/tensor.js';
import { prepareOnCpu } from '../reference/cpu.js';
import type { Heap, HeapTensor } from './heap.js';

/** Prepares a node on its cpu kernel, if there is one; inputs and outputs are copied between the heaps. */
export function prepareCpuNode(node: ProgramNode, heap: Heap): PreparedNode | undefined {
  const kernel = prepareOnCpu(node);
  if (kernel === undefined) return undefined;
  return (values) => {
    const results = kernel(node.inputs.map((id) => fromHeap(heap, values[id] as HeapTensor)));
    const outputs = heap.makeAll(results.length, (index) => {
      const result = results[index]!;
      return heap.upload(result, bytesOf(result.data));
    });
    for (let index = 0; index < outputs.length; index++) values[node.outputs[index]!] = outputs[index];
  };
}

function fromHeap(heap: Heap, tensor: HeapTensor): Tensor {
  const { dtype, shape, dataId } = tensor;
  return { dtype, shape, data: viewData(tensor, heap.bytes(dataId).slice().buffer) };
}
