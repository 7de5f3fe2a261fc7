/**
 * The wasm device, but it throws what it is told to: on creation what its options name, and in `prepare` or in a kernel
 * what the node is called (`'prepare: a symbol'`, `'run: a symbol'`).
 */
import { createKernelBackend as createWasmBackend } from '../../../dist/kernels/wasm/backend.js';
import { CurfewError } from '../../../dist/scheduler/errors.js';
import { UNINSPECTABLE } from '../uninspectable.mjs';

function fail(what) {
  throw what === 'an unknown code'
    ? new CurfewError('MADE_UP', 'the device made it up')
    : UNINSPECTABLE[what]();
}

export async function createKernelBackend(options) {
  if (options.device !== undefined) fail(options.device);
  const backend = await createWasmBackend(options);
  const prepare = backend.prepare.bind(backend);
  backend.prepare = (node) => {
    const [where, what] = node.name.split(': ');
    if (where === 'prepare') fail(what);
    return { ...prepare(node), run: () => fail(what) };
  };
  return backend;
}
