/** The backend object that TensorFlow.js's wasm kernels are called with, on our heap. */
import type * as tf from '@tensorflow/tfjs-core';
import { bytesOf, isDType, type TensorData, viewData } from '../../scheduler/tensor.js';
import { createCwrap } from './ccall.js';
import type { Heap, HeapBlock, HeapTensor } from './heap.js';
import type { WasmModule } from './module.js';

/** The members of tfjs's `BackendWasm` that its kernels use. `dataId`s are heap blocks themselves. */
export class StockBackend {
  readonly wasm: object;
  readonly dataIdMap = { get: (block: HeapBlock) => block, has: (block: HeapBlock) => block.refCount > 0 };
  /** Blocks made since the caller last emptied it. */
  readonly made: HeapBlock[] = [];
  readonly #heap: Heap;
  readonly #module: WasmModule;

  constructor(heap: Heap, module: WasmModule) {
    this.#heap = heap;
    this.#module = module;
    // The module stays the prototype, so that its views are always the current ones.
    this.wasm = Object.assign(Object.create(module), {
      cwrap: createCwrap(module),
      _malloc: module.asm.malloc,
      _free: module.asm.free,
    });
  }

  makeOutput(shape: number[], dtype: tf.DataType, memoryOffset?: number, values?: TensorData): HeapTensor {
    if (!isDType(dtype)) throw new TypeError(`expected a float32, int32 or bool output, received ${dtype}`);
    // Sizes that a kernel reads from its inputs may be anything.
    if (!shape.every((length) => length >= 0))
      throw new TypeError(`expected lengths of 0 or more, received [${shape}]`);
    const spec = { dtype, shape };
    const block =
      memoryOffset == null ? this.#heap.allocate(spec) : this.#heap.adopt(spec, memoryOffset >>> 0);
    this.made.push(block);
    if (values != null) this.#heap.bytes(block).set(bytesOf(values));
    return { dataId: block, dtype, shape };
  }

  typedArrayFromHeap(tensor: HeapTensor): TensorData {
    return viewData(tensor, this.#module.HEAPU8.buffer, tensor.dataId.memoryOffset);
  }

  readSync(block: HeapBlock, start?: number, end?: number): TensorData {
    return viewData(block, this.#module.HEAPU8.buffer, block.memoryOffset).slice(
      start || 0,
      end || undefined,
    );
  }

  incRef(block: HeapBlock): void {
    this.#heap.retain(block);
  }

  disposeData(block: HeapBlock): boolean {
    if (block.refCount > 0) this.#heap.release(block);
    return block.refCount === 0;
  }
}
