/** Nodes that run on TensorFlow.js's kernel function: the path that every op can take. */
import type { KernelFunc, NamedTensorInfoMap } from '@tensorflow/tfjs-core';
import type { PreparedNode, ProgramNode, ValueTable } from '../../scheduler/kernel.js';
import { kernelAttributes } from '../ops/kernel-attributes.js';
import { checkProduced } from '../ops/produced.js';
import type { Heap, HeapTensor } from './heap.js';
import type { Complaints, WasmModule } from './module.js';
import type { StockBackend } from './stock-backend.js';

const bytesOf = ({ dataId }: HeapTensor): number => dataId.byteLength;

/** Prepares a node on a stock kernel that was set up with `backend`. */
export function prepareStockNode(
  kernel: KernelFunc,
  node: ProgramNode,
  backend: StockBackend,
  heap: Heap,
  module: WasmModule,
): PreparedNode {
  const call = new StockCall(kernel, node, backend, heap, module.complaints);
  return (values) => {
    call.bind(values);
    const outputs = untilHeapIsStable(module, heap, call);
    for (let index = 0; index < outputs.length; index++) values[node.outputs[index]!] = outputs[index];
  };
}

/** One node's kernel call. What the kernel takes is made once and filled anew for each call. */
class StockCall {
  readonly #kernel: KernelFunc;
  readonly #node: ProgramNode;
  readonly #backend: StockBackend;
  readonly #heap: Heap;
  readonly #complaints: Complaints;
  readonly #tensors: HeapTensor[] = [];
  readonly #countsBefore: number[] = [];
  readonly #inputs: Record<string, HeapTensor>;
  readonly #arguments: Parameters<KernelFunc>[0];

  constructor(
    kernel: KernelFunc,
    node: ProgramNode,
    backend: StockBackend,
    heap: Heap,
    complaints: Complaints,
  ) {
    this.#kernel = kernel;
    this.#node = node;
    this.#backend = backend;
    this.#heap = heap;
    this.#complaints = complaints;
    // Variadic kernels take an array, whose keys are '0', '1', …, too.
    this.#inputs = node.inputNames[0] === '0' ? ([] as unknown as Record<string, HeapTensor>) : {};
    this.#arguments = {
      inputs: this.#inputs as unknown as NamedTensorInfoMap,
      attrs: kernelAttributes(node),
      backend,
    };
  }

  /** Takes the inputs of the calls to come. */
  bind(values: ValueTable): void {
    const { inputs, inputNames } = this.#node;
    for (let index = 0; index < inputs.length; index++) {
      const tensor = values[inputs[index]!] as HeapTensor;
      this.#tensors[index] = tensor;
      this.#inputs[inputNames[index]!] = tensor;
    }
  }

  /** Calls the kernel: returns exactly the node's outputs, or throws with nothing left allocated. */
  run(): HeapTensor[] {
    this.#protectInputs();
    let outputs: HeapTensor[] = [];
    try {
      const result = this.#kernel(this.#arguments) as unknown as HeapTensor | HeapTensor[];
      outputs = Array.isArray(result) ? result.slice(0, this.#node.outputs.length) : [result];
      if (this.#complaints.first !== undefined) throw this.#complaints.take();
      checkProduced(this.#node, outputs, bytesOf);
      return outputs;
    } catch (error) {
      outputs = [];
      this.#complaints.first = undefined;
      throw error;
    } finally {
      this.#settle(outputs);
    }
  }

  /** Keeps the inputs alive through the call, whatever the kernel disposes. */
  #protectInputs(): void {
    for (let index = 0; index < this.#tensors.length; index++) {
      const { dataId, shape } = this.#tensors[index]!;
      dataId.shape = shape;
      this.#countsBefore[index] = dataId.refCount++;
    }
  }

  /**
   * Sets every count to what the outputs say. Stock kernels leave intermediate tensors and references to their inputs
   * behind in several places, and everything when they throw.
   */
  #settle(outputs: readonly HeapTensor[]): void {
    // Backwards, so that an input given twice ends with its first count.
    for (let index = this.#tensors.length - 1; index >= 0; index--) {
      this.#tensors[index]!.dataId.refCount = this.#countsBefore[index]!;
    }
    const { made } = this.#backend;
    for (let index = 0; index < made.length; index++) {
      const block = made[index]!;
      if (block.refCount > 0 && !outputs.some(({ dataId }) => dataId === block)) this.#heap.free(block);
      else block.refCount = 0;
    }
    made.length = 0;
    for (let index = 0; index < outputs.length; index++) outputs[index]!.dataId.refCount++;
  }
}

/**
 * Repeats a call during which the heap grew: growth detaches the views that stock kernels hold across allocations,
 * and they then read nothing and write nowhere, or throw a TypeError. Kernels are pure, so repeating is safe.
 */
function untilHeapIsStable(module: WasmModule, heap: Heap, call: StockCall): HeapTensor[] {
  for (;;) {
    const { buffer } = module.HEAPU8;
    try {
      const outputs = call.run();
      if (module.HEAPU8.buffer === buffer) return outputs;
      for (const output of outputs) heap.release(output.dataId);
    } catch (error) {
      if (module.HEAPU8.buffer === buffer || !(error instanceof TypeError)) throw error;
    }
  }
}
