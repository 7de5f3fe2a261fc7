/** Tensors on the WebAssembly heap: allocation, reference counts, and exact accounting. */
import { curfewError, invariant } from '../../scheduler/errors.js';
import type { BackendMemory, DeviceTensor } from '../../scheduler/kernel.js';
import { MAX_RANK } from '../../scheduler/limits.js';
import {
  byteLength,
  type DType,
  elementCount,
  type Shape,
  type TensorData,
  type TensorSpec,
  viewData,
} from '../../scheduler/tensor.js';
import type { WasmModule } from './module.js';

/** Largest heap that emscripten grows to; a larger request would wrap around in `malloc`. */
const HEAP_CAP_BYTES = 4_294_901_760;

/** A block of the heap under a tensor id. Doubles as the `dataId` of stock kernels and as what they find under it. */
export interface HeapBlock {
  /** Tensor id in the kernels; packed weights are cached under it. */
  readonly id: number;
  readonly memoryOffset: number;
  readonly byteLength: number;
  /** Tensors that share the block; 0 once it is freed. */
  refCount: number;
  readonly dtype: DType;
  /** Shape that stock kernels see; an alias such as `Reshape` makes has another, so it is set before each call. */
  shape: Shape;
  /** Shape under which a matmul packed the block, for the cache key leaves it out. */
  packedShape: string | undefined;
}

/** A tensor of this backend; has the members that stock kernels expect of a `TensorInfo`. */
export interface HeapTensor extends DeviceTensor {
  readonly dataId: HeapBlock;
}

/** All tensors of one backend. */
export class Heap {
  readonly memory: BackendMemory = { liveBytes: 0, peakBytes: 0 };
  readonly #module: WasmModule;
  readonly #limitBytes: number;
  readonly #freeIds: number[] = [];
  #nextId = 1;

  constructor(module: WasmModule, limitBytes: number | undefined) {
    this.#module = module;
    this.#limitBytes = limitBytes ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Allocates a block with one reference; its bytes are whatever was there.
   *
   * @throws OUT_OF_MEMORY beyond the backend's limit or the heap's cap
   */
  allocate(spec: TensorSpec): HeapBlock {
    return this.allocateBytes(spec, byteLength(spec), elementCount(spec.shape));
  }

  /** `allocate` for callers that know the size. */
  allocateBytes(spec: TensorSpec, bytes: number, elements: number): HeapBlock {
    if (this.memory.liveBytes + bytes > this.#limitBytes || bytes > HEAP_CAP_BYTES) {
      throw this.#outOfMemory(bytes);
    }
    // Above 2 GiB `malloc` returns a negative number.
    const memoryOffset = this.#module.asm.malloc(bytes) >>> 0;
    if (memoryOffset === 0) throw this.#outOfMemory(bytes);
    return this.#register(spec, bytes, elements, memoryOffset);
  }

  /** Takes over memory that a kernel allocated. */
  adopt(spec: TensorSpec, memoryOffset: number): HeapBlock {
    const block = this.#register(spec, byteLength(spec), elementCount(spec.shape), memoryOffset);
    if (this.memory.liveBytes <= this.#limitBytes) return block;
    this.free(block);
    throw this.#outOfMemory(block.byteLength);
  }

  /** Makes tensors one after the other; when one cannot be made, none is left. */
  makeAll(count: number, make: (index: number) => HeapTensor): HeapTensor[] {
    const made: HeapTensor[] = [];
    try {
      while (made.length < count) made.push(make(made.length));
      return made;
    } catch (error) {
      for (const { dataId } of made) this.release(dataId);
      throw error;
    }
  }

  /** Makes a tensor; its elements are whatever was there. */
  make(spec: TensorSpec): HeapTensor {
    return { dataId: this.allocate(spec), dtype: spec.dtype, shape: spec.shape };
  }

  /** Copies bytes into a new tensor. */
  upload(spec: TensorSpec, bytes: Uint8Array): HeapTensor {
    const tensor = this.make(spec);
    this.#module.HEAPU8.set(bytes, tensor.dataId.memoryOffset);
    return tensor;
  }

  #register(spec: TensorSpec, bytes: number, elements: number, memoryOffset: number): HeapBlock {
    const { memory } = this;
    invariant(bytes >= 0, 'a block has a number of bytes');
    // Ids are 32 bits wide in the kernels; recycling keeps them from ever wrapping around onto a constant's.
    const id = this.#freeIds.pop() ?? this.#nextId++;
    this.#module.asm.register_tensor(id, elements, memoryOffset);
    memory.liveBytes += bytes;
    if (memory.liveBytes > memory.peakBytes) memory.peakBytes = memory.liveBytes;
    return {
      id,
      memoryOffset,
      byteLength: bytes,
      refCount: 1,
      dtype: spec.dtype,
      shape: spec.shape,
      packedShape: undefined,
    };
  }

  /** Adds a tensor that shares the block. */
  retain(block: HeapBlock): void {
    invariant(block.refCount > 0, 'a freed block is retained');
    block.refCount++;
  }

  /** Takes a tensor away; the last one frees the block. */
  release(block: HeapBlock): void {
    invariant(block.refCount > 0, 'a freed block is released');
    if (--block.refCount === 0) this.#free(block);
  }

  /** Frees the block whoever shares it. */
  free(block: HeapBlock): void {
    invariant(block.refCount > 0, 'a freed block is freed');
    block.refCount = 0;
    this.#free(block);
  }

  /** The block's bytes. Valid until the next allocation. */
  bytes(block: HeapBlock): Uint8Array {
    return this.#module.HEAPU8.subarray(block.memoryOffset, block.memoryOffset + block.byteLength);
  }

  /** The tensor's elements. Valid until the next allocation. */
  view(tensor: HeapTensor): TensorData {
    return viewData(tensor, this.#module.HEAPU8.buffer, tensor.dataId.memoryOffset);
  }

  /** Room for one shape, kept for the backend's life. */
  reserveShape(): number {
    return this.#module.asm.malloc(MAX_RANK * Int32Array.BYTES_PER_ELEMENT) >>> 0;
  }

  /** Drops what kernels cached about the block's content. */
  forgetPacked(block: HeapBlock): void {
    const { asm } = this.#module;
    asm.dispose_data(block.id);
    asm.register_tensor(block.id, elementCount(block.shape), block.memoryOffset);
  }

  #free(block: HeapBlock): void {
    const { asm } = this.#module;
    asm.dispose_data(block.id);
    asm.free(block.memoryOffset);
    this.#freeIds.push(block.id);
    this.memory.liveBytes -= block.byteLength;
  }

  #outOfMemory(bytes: number): Error {
    const { liveBytes } = this.memory;
    const room = Math.min(this.#limitBytes, HEAP_CAP_BYTES);
    return curfewError(
      'OUT_OF_MEMORY',
      `wasm heap: could not allocate ${bytes} bytes with ${liveBytes} bytes live (at most ${room} bytes)`,
      { expected: room, received: bytes },
    );
  }
}
