/** Nodes that run on TensorFlow.js's kernel function: the path that every op can take. */
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { invariant } from '../../scheduler/errors.js';
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { callKernel, kernelAttributes, kernelInputs } from '../reference/cpu.js';
import type { Heap, HeapTensor } from './heap.js';
import type { WasmModule } from './module.js';
import type { StockBackend } from './stock-backend.js';

/** Prepares a node on a stock kernel that was set up with `backend`. */
export function prepareStockNode(
  kernel: KernelFunc,
  node: ProgramNode,
  backend: StockBackend,
  heap: Heap,
  module: WasmModule,
): PreparedNode {
  const attributes = kernelAttributes(node);

  function attempt(tensors: readonly HeapTensor[]): HeapTensor[] {
    const counts = tensors.map(protect);
    let outputs: HeapTensor[] = [];
    try {
      const inputs = kernelInputs(node, tensors as unknown as TensorInfo[]);
      const results = callKernel(kernel, backend, inputs, attributes) as HeapTensor[];
      invariant(results.length >= node.outputs.length, `${node.op} gave ${results.length} outputs`);
      outputs = results.slice(0, node.outputs.length);
    } finally {
      settle(heap, backend, tensors, counts, outputs);
    }
    return outputs;
  }

  return (values) => {
    const tensors = node.inputs.map((id) => values[id] as HeapTensor);
    const outputs = untilHeapIsStable(module, heap, () => attempt(tensors));
    for (let index = 0; index < outputs.length; index++) values[node.outputs[index]!] = outputs[index];
  };
}

/** Keeps an input alive through the call, whatever the kernel disposes, and returns its count before. */
function protect(tensor: HeapTensor): number {
  const block = tensor.dataId;
  block.shape = tensor.shape;
  return block.refCount++;
}

/**
 * Sets every count to what the outputs say. Stock kernels leave intermediate tensors and references to their inputs
 * behind in several places, and everything when they throw.
 */
function settle(
  heap: Heap,
  backend: StockBackend,
  inputs: readonly HeapTensor[],
  counts: readonly number[],
  outputs: readonly HeapTensor[],
): void {
  // Backwards, so that an input given twice ends with its first count.
  for (let index = inputs.length - 1; index >= 0; index--) inputs[index]!.dataId.refCount = counts[index]!;
  for (const block of backend.made) {
    if (block.refCount > 0 && !outputs.some((output) => output.dataId === block)) heap.free(block);
    else block.refCount = 0;
  }
  for (const output of outputs) output.dataId.refCount++;
  backend.made.length = 0;
}

/**
 * Repeats a call during which the heap grew: growth detaches the views that stock kernels hold across allocations,
 * and they then read nothing and write nowhere, or throw a TypeError. Kernels are pure, so repeating is safe.
 */
function untilHeapIsStable(module: WasmModule, heap: Heap, call: () => HeapTensor[]): HeapTensor[] {
  for (;;) {
    const { buffer } = module.HEAPU8;
    try {
      const outputs = call();
      if (module.HEAPU8.buffer === buffer) return outputs;
      for (const output of outputs) heap.release(output.dataId);
    } catch (error) {
      if (module.HEAPU8.buffer === buffer || !(error instanceof TypeError)) throw error;
    }
  }
}
