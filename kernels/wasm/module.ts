/** Loads TensorFlow.js's compiled kernels: one WebAssembly instance with a heap of its own per call. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageFolder } from './stock-kernels.js';

/** A function exported by WebAssembly; pointers come back as signed integers. */
export type WasmFunction = (...args: number[]) => number;

/** The raw exports used by name; kernels are looked up dynamically. */
interface WasmExports {
  readonly [name: string]: WasmFunction;
  readonly malloc: WasmFunction;
  readonly free: WasmFunction;
  readonly register_tensor: WasmFunction;
  readonly dispose_data: WasmFunction;
  readonly stackSave: WasmFunction;
  readonly stackAlloc: WasmFunction;
  readonly stackRestore: WasmFunction;
  readonly init_with_threads_count: WasmFunction;
}

/**
 * What kernels print: that XNNPACK refused an operator or had no memory for it, say. They return as if all was well
 * then, and leave the output as they found it, so whoever calls one looks here afterwards.
 */
export class Complaints {
  /** The first one since it was last taken. */
  first: string | undefined;

  /** The complaint as an error; there is none afterwards. */
  take(): Error {
    const error = new Error(`the kernel gave up: ${this.first}`);
    this.first = undefined;
    return error;
  }
}

/** The emscripten module. Heap growth replaces the views, so read them anew after anything that may allocate. */
export interface WasmModule {
  readonly asm: WasmExports;
  readonly HEAPU8: Uint8Array<ArrayBuffer>;
  readonly HEAP32: Int32Array<ArrayBuffer>;
  readonly HEAPF32: Float32Array<ArrayBuffer>;
  readonly complaints: Complaints;
}

type ModuleFactory = (config: {
  locateFile(): string;
  print(line: string): void;
  printErr(line: string): void;
}) => Promise<Omit<WasmModule, 'complaints'>>;

/** `(func (result v128) i32.const 0 i8x16.splat i8x16.popcnt)` as a module: valid where SIMD is (wasm-feature-detect). */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98,
  11,
]);

/** Node's types leave the global out. */
declare const WebAssembly: { validate(bytes: Uint8Array): boolean };

const EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

/** Loads a fresh instance. */
export async function loadModule(): Promise<WasmModule> {
  const folder = join(packageFolder, 'wasm-out');
  const simd = WebAssembly.validate(SIMD_PROBE);
  const file = join(folder, simd ? 'tfjs-backend-wasm-simd.wasm' : 'tfjs-backend-wasm.wasm');
  const factory: ModuleFactory = createRequire(import.meta.url)(join(folder, 'tfjs-backend-wasm.js'));
  const complaints = new Complaints();
  const printErr = (line: string) => {
    complaints.first ??= line;
  };
  const loading = withoutProcessListeners(() =>
    factory({ locateFile: () => file, print: () => {}, printErr }),
  );
  const module = await loading;
  module.asm.init_with_threads_count(1);
  // What is printed until here is no kernel's.
  complaints.first = undefined;
  return Object.assign(module, { complaints });
}

/** Runs `action` and takes away the process listeners it added synchronously: the module's rethrow every error. */
function withoutProcessListeners<T>(action: () => T): T {
  const before = EVENTS.map((event) => process.listeners(event as 'uncaughtException'));
  try {
    return action();
  } finally {
    EVENTS.forEach((event, index) => {
      for (const listener of process.listeners(event as 'uncaughtException')) {
        if (!before[index]!.includes(listener)) process.removeListener(event, listener);
      }
    });
  }
}
