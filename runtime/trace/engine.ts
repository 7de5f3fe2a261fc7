/** TensorFlow.js's engine: lending it to a trace and giving it back as it was. */
import * as tf from '@tensorflow/tfjs-core';

export type Engine = ReturnType<typeof tf.engine>;

/** Fields without a public setter. `setBackend` would set them too, but also set up the caller's kernels anew. */
interface EngineInternals {
  backendName: string | null | undefined;
  backendInstance: tf.KernelBackend | null | undefined;
  pendingBackendInit: Promise<boolean> | null | undefined;
  profiler: unknown;
}

/** Scopes, tape and profile: a trace has its own. */
type StateFields = Pick<
  Engine['state'],
  'scopeStack' | 'activeScope' | 'activeTape' | 'gradientDepth' | 'kernelDepth' | 'profiling'
>;

/** Private name of the recording backend; without '_', which separates backend and op in the kernel registry. */
export const BACKEND_NAME = 'curfew-trace';

/** How to get the backend that is active now; `cpu` is started where none is, but not before it is needed. */
export function activeBackend(engine: Engine): () => tf.KernelBackend {
  const { backendInstance } = engine as unknown as EngineInternals;
  return () => backendInstance ?? engine.findBackend('cpu');
}

/** Makes `backend` the active one at once; it need not be in the registry of backends. */
export function activate(engine: Engine, backend: tf.KernelBackend): void {
  Object.assign(engine, { backendName: BACKEND_NAME, backendInstance: backend, pendingBackendInit: null });
}

/** Runs `action` with `backend` active and all of the caller's scopes, tapes and profiles out of reach. */
export function withBackend<Result>(engine: Engine, backend: tf.KernelBackend, action: () => Result): Result {
  const internals = engine as unknown as EngineInternals;
  const { backendName, backendInstance, pendingBackendInit, profiler } = internals;
  const { scopeStack, activeScope, activeTape, gradientDepth, kernelDepth, profiling } = engine.state;
  const state: StateFields = { scopeStack, activeScope, activeTape, gradientDepth, kernelDepth, profiling };
  const endQuiet = quietDebugging();
  activate(engine, backend);
  Object.assign(engine.state, { scopeStack: [], gradientDepth: 0, kernelDepth: 0, profiling: false });
  engine.startScope('trace');
  try {
    return action();
  } finally {
    Object.assign(engine.state, state);
    Object.assign(internals, { backendName, backendInstance, pendingBackendInit, profiler });
    endQuiet();
  }
}

/** Debug mode reads every kernel's outputs, which do not exist here. `env().set` would announce the way back. */
function quietDebugging(): () => void {
  const flags = tf.env().getFlags();
  const { DEBUG } = flags;
  flags['DEBUG'] = false;
  return () => {
    if (DEBUG === undefined) delete flags['DEBUG'];
    else flags['DEBUG'] = DEBUG;
  };
}
