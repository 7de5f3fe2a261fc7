/** Tensors to the GPU and back. */
import { type Tensor, type TensorSpec, viewData } from '../../scheduler/tensor.js';
import type { Gpu } from './gpu.js';
import { fromGpu, type GpuTensor, toGpu } from './tensor.js';

/** @throws OUT_OF_MEMORY */
export function uploadTensor(gpu: Gpu, { dtype, shape }: TensorSpec, bytes: Uint8Array): GpuTensor {
  const block = bytes.byteLength === 0 ? undefined : gpu.upload(toGpu({ dtype, shape }, bytes));
  return { dtype, shape, block };
}

/** A copy of the tensor's bytes. Waits for all work that was encoded before. @throws DEVICE_LOST */
export function readBytes(gpu: Gpu, tensor: GpuTensor): Uint8Array<ArrayBuffer> {
  const { block } = tensor;
  if (block === undefined) return new Uint8Array(0);
  return gpu.read(block, (bytes) => fromGpu(tensor, bytes));
}

/** The same as a tensor. */
export function readTensor(gpu: Gpu, tensor: GpuTensor): Tensor {
  const { dtype, shape } = tensor;
  return { dtype, shape, data: viewData({ dtype, shape }, readBytes(gpu, tensor).buffer) };
}

export function releaseTensors(gpu: Gpu, tensors: readonly GpuTensor[]): void {
  for (const { block } of tensors) if (block !== undefined) gpu.memory.release(block);
}
