/** Tensors on the GPU: every element takes 4 bytes there, bools as int32. */
import type { DeviceTensor } from '../../scheduler/kernel.js';
import { byteLength, elementCount, type TensorSpec } from '../../scheduler/tensor.js';
import type { Block } from './gpu-memory.js';

/** `block` is `undefined` without elements. */
export interface GpuTensor extends DeviceTensor {
  readonly block: Block | undefined;
}

/** Bytes of the tensor on the GPU. */
export function gpuBytes({ shape }: Pick<TensorSpec, 'shape'>): number {
  return elementCount(shape) * 4;
}

/** The bytes as the GPU takes them, in memory that no other thread has: Dawn cannot read shared memory. */
export function toGpu({ dtype }: TensorSpec, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return dtype === 'bool' ? new Uint8Array(Int32Array.from(bytes).buffer) : new Uint8Array(bytes);
}

/** The bytes of a tensor from those on the GPU, copied. */
export function fromGpu(spec: TensorSpec, mapped: ArrayBuffer): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength(spec));
  if (spec.dtype !== 'bool') bytes.set(new Uint8Array(mapped, 0, bytes.byteLength));
  else bytes.set(new Int32Array(mapped, 0, bytes.byteLength).map((element) => Number(element !== 0)));
  return bytes;
}
