/** Calls exported functions that take arrays; emscripten's own `ccall` spends over 1 µs on that. */
import type { WasmFunction, WasmModule } from './module.js';

/** The part of emscripten's argument types that the kernels use. */
type ArgumentType = 'number' | 'boolean' | 'array';

/** What kernels pass: `array` arguments as bytes; the rest WebAssembly itself converts to numbers. */
type KernelFunction = (...args: (number | Uint8Array)[]) => number;

/** A drop-in for the module's `cwrap`. */
export function createCwrap(module: WasmModule) {
  return (name: string, _returnType: string | null, types: readonly ArgumentType[]): KernelFunction => {
    const call = module.asm[name]!;
    const places = [...types.keys()].filter((place) => types[place] === 'array');
    return places.length === 0 ? (call as KernelFunction) : withArrays(module, call, places);
  };
}

function withArrays(module: WasmModule, call: WasmFunction, places: readonly number[]): KernelFunction {
  const { stackSave, stackAlloc, stackRestore } = module.asm;
  return (...args) => {
    const stack = stackSave();
    try {
      for (let index = 0; index < places.length; index++) {
        const place = places[index]!;
        const bytes = args[place] as Uint8Array;
        const pointer = stackAlloc(bytes.length) >>> 0;
        module.HEAPU8.set(bytes, pointer);
        args[place] = pointer;
      }
      return call(...(args as number[]));
    } finally {
      stackRestore(stack);
    }
  };
}
