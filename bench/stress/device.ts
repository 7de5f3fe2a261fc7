/**
 * The wasm device, but a kernel throws, traps or ends its thread when it is told to.
 *
 * Shared words: how many kernels are still to run before the next one acts (below 0: none does), and what it does.
 */
import { createKernelBackend as createWasmBackend } from '../../kernels/wasm/backend.js';
import type { BackendOptions, KernelBackend } from '../../scheduler/kernel.js';

const [COUNTDOWN, ACTION] = [0, 1];

/** By place in the word. */
export const ACTIONS = ['throw', 'trap', 'exit', 'uncaught'] as const;

/** Arms an action. */
export function armAction(words: Int32Array, kernels: number, action: number): void {
  Atomics.store(words, ACTION, action);
  Atomics.store(words, COUNTDOWN, kernels);
}

/** Makes the words: nothing is armed. */
export function createWords(): Int32Array<SharedArrayBuffer> {
  const words = new Int32Array(new SharedArrayBuffer(8));
  words[COUNTDOWN] = -1;
  return words;
}

function act(action: (typeof ACTIONS)[number]): void {
  switch (action) {
    case 'throw':
      throw new Error('a kernel was told to throw');
    case 'trap':
      throw Object.assign(new Error('a kernel was told to trap'), { name: 'RuntimeError' });
    case 'exit':
      process.exit(3);
      break;
    case 'uncaught':
      setImmediate(() => {
        throw new Error('a kernel was told to throw where nobody catches');
      });
  }
}

export async function createKernelBackend(options: BackendOptions): Promise<KernelBackend> {
  const words = new Int32Array(options.device as SharedArrayBuffer);
  const backend = await createWasmBackend(options);
  const prepare = backend.prepare.bind(backend);
  return Object.assign(backend, {
    prepare: (node: Parameters<typeof prepare>[0]) => {
      const prepared = prepare(node);
      const run: typeof prepared.run = (values) => {
        if (Atomics.load(words, COUNTDOWN) >= 0 && Atomics.sub(words, COUNTDOWN, 1) === 0)
          act(ACTIONS[Atomics.load(words, ACTION)]!);
        prepared.run(values);
      };
      return { ...prepared, run };
    },
  });
}
