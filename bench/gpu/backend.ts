/** A webgpu backend in this thread, for what is measured without an engine. */
import { createKernelBackend } from '../../kernels/webgpu/backend.js';
import type { WebGpuOptions } from '../../kernels/webgpu/options.js';
import type { QueueingBackend } from '../../scheduler/kernel.js';
import { backendOptions } from '../../test/support/one-node.js';

/** Opens a device, and closes it after `use`. */
export async function withBackend<Result>(
  use: (backend: QueueingBackend, adapter: string) => Promise<Result>,
  options: WebGpuOptions = {},
): Promise<Result> {
  const backend = await createKernelBackend(backendOptions({ device: options }));
  try {
    return await use(backend, (backend as { hardware?: string }).hardware ?? 'unknown');
  } finally {
    backend.close();
  }
}
