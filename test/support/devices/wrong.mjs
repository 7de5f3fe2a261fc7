/** The wasm device, but sums are wrong, and every time in the same way. */
import { createKernelBackend as createWasmBackend } from '../../../dist/kernels/wasm/backend.js';

export async function createKernelBackend(options) {
  const backend = await createWasmBackend(options);
  const prepare = backend.prepare.bind(backend);
  return Object.assign(backend, {
    prepare: (node) => prepare(node.op === 'Add' ? { ...node, op: 'Sub' } : node),
  });
}
