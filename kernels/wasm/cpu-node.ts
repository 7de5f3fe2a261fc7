/** Nodes that run on the cpu kernels because wasm's are missing or wrong. */
import type { KernelFunc } from '@tensorflow/tfjs-core';
import { invariant } from '../../scheduler/errors.js';
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { bytesOf, viewData } from '../../scheduler/tensor.js';
import {
  callKernel,
  createCpuBackend,
  fromCpu,
  kernelAttributes,
  kernelInputs,
  toCpu,
} from '../reference/cpu.js';
import type { Heap, HeapTensor } from './heap.js';

/** Prepares a node on a cpu kernel; inputs and outputs are copied between the heaps. */
export function prepareCpuNode(kernel: KernelFunc, node: ProgramNode, heap: Heap): PreparedNode {
  const cpu = createCpuBackend();

  const fromHeap = (tensor: HeapTensor) =>
    // A copy: kernels may return views of their inputs, and uploading can detach views of the heap.
    toCpu(cpu, tensor, viewData(tensor, heap.bytes(tensor.dataId).slice().buffer));

  return (values) => {
    const inputs = node.inputs.map((id) => fromHeap(values[id] as HeapTensor));
    const results = callKernel(kernel, cpu, kernelInputs(node, inputs), kernelAttributes(node));
    invariant(results.length >= node.outputs.length, `${node.op} gave ${results.length} outputs`);
    const outputs: HeapTensor[] = [];
    try {
      for (const index of node.outputs.keys()) {
        const data = fromCpu(cpu, results[index]!);
        const { dtype, shape } = results[index] as HeapTensor;
        outputs.push(heap.upload({ dtype, shape }, bytesOf(data)));
      }
    } catch (error) {
      for (const output of outputs) heap.release(output.dataId);
      throw error;
    }
    for (let index = 0; index < outputs.length; index++) values[node.outputs[index]!] = outputs[index];
  };
}
