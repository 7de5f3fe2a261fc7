/** TensorFlow.js's kernels for TensorFlow, and the TensorFlow.js that they run on, as private copies per backend. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compileFunction } from 'node:vm';
import type * as tf from '@tensorflow/tfjs-core';
import type { Binding, OpAttribute } from './addon.js';
import { legacyUtil } from './legacy-util.js';

type Core = typeof tf;

/** What tfjs-node keeps of a tensor, under its `dataId`. */
export interface StockData {
  id: number;
  readonly shape: readonly number[];
  /** One of TensorFlow's numbers of types. */
  readonly dtype: number;
  /** Elements that no tensor has been made of yet. */
  values: tf.backend_util.TypedArray | readonly Uint8Array[] | null;
  refCount: number;
}

/** The members of tfjs-node's `NodeJSKernelBackend` that are of interest here. Its kernels are called with it. */
export interface NodeBackend {
  binding: Binding;
  tensorMap: object;
  getDTypeInteger(dtype: tf.DataType): number;
  executeSingleOutput(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.TensorInfo[],
  ): tf.TensorInfo;
}

/** The package, ready for kernels to be called. */
export interface StockPackage {
  readonly core: Core;
  readonly backend: NodeBackend;
  /** The kernel of an op, if there is one. */
  kernel(op: string): tf.KernelFunc | undefined;
}

type Require = (name: string) => unknown;

const require = createRequire(import.meta.url);

/** Evaluates a CommonJS module. Whatever it calls `global` is the object given. */
function evaluate(file: string, requireModule: Require, global: object): unknown {
  const names = ['exports', 'require', 'module', '__filename', '__dirname', 'global'];
  const run = compileFunction(readFileSync(file, 'utf8'), names, { filename: file });
  const module: { exports: unknown } = { exports: {} };
  run(module.exports, requireModule, module, file, dirname(file), global);
  return module.exports;
}

/** A TensorFlow.js with an engine and a registry of its own: both live on its `global`. */
function evaluateCore(): Core {
  const file = require.resolve('@tensorflow/tfjs-core');
  const global = Object.create(globalThis, {
    _tfengine: { value: undefined, writable: true },
    _tfGlobals: { value: undefined, writable: true },
  });
  return evaluate(file, createRequire(file), global) as Core;
}

/** Methods of tensors that some kernels call, and that TensorFlow.js registers with its union package only. */
function addMethods({ Tensor, add, cast, mul, sub }: Core): void {
  Object.assign(Tensor.prototype, {
    add(this: tf.Tensor, other: tf.Tensor) {
      return add(this, other);
    },
    mul(this: tf.Tensor, other: tf.Tensor | number) {
      return mul(this, other);
    },
    sub(this: tf.Tensor, other: tf.Tensor) {
      return sub(this, other);
    },
    toFloat(this: tf.Tensor) {
      return cast(this, 'float32');
    },
    toInt(this: tf.Tensor) {
      return cast(this, 'int32');
    },
  });
}

/** Loads files of the package with their imports, each once; TensorFlow.js is the private one. */
function packageLoader(core: Core): (file: string) => unknown {
  const loaded = new Map<string, unknown>();
  const given = new Map<string, unknown>([
    ['@tensorflow/tfjs', core],
    ['@tensorflow/tfjs-core', core],
    ['util', legacyUtil],
    // Only summaries for TensorBoard are written with it.
    ['./proto/api_pb', {}],
  ]);
  const load = (file: string): unknown => {
    const resolved = require.resolve(file);
    if (!loaded.has(resolved)) {
      const requireModule = (name: string) =>
        given.get(name) ?? (name.startsWith('.') ? load(join(dirname(resolved), name)) : require(name));
      loaded.set(resolved, evaluate(resolved, requireModule, globalThis));
    }
    return loaded.get(resolved);
  };
  return load;
}

/**
 * Evaluates the package and makes its backend on the binding.
 *
 * The package's entry would make TensorFlow the caller's backend, and its kernels call TensorFlow.js's functions, which
 * run on the engine's current backend. With a TensorFlow.js of their own they leave the caller's alone.
 */
export function loadStockPackage(folder: string, binding: Binding): StockPackage {
  const core = evaluateCore();
  core.enableProdMode();
  const stock = registerPackage(core, folder, binding);
  stock.backend.tensorMap = new DataMap();
  return stock;
}

/** Makes TensorFlow the current backend of a TensorFlow.js. */
export function registerPackage(core: Core, folder: string, binding: Binding): StockPackage {
  addMethods(core);
  const load = packageLoader(core);
  const module = load(join(folder, 'dist', 'nodejs_kernel_backend.js')) as {
    NodeJSKernelBackend: new (binding: Binding, packageName: string) => NodeBackend & tf.KernelBackend;
  };
  const backend = new module.NodeJSKernelBackend(binding, '@tensorflow/tfjs-node-gpu');
  core.registerBackend('tensorflow', () => backend);
  core.setBackend('tensorflow');
  load(join(folder, 'dist', 'register_all_kernels.js'));
  return { core, backend, kernel: (op) => core.getKernel(op, 'tensorflow')?.kernelFunc };
}

/** What the backend finds under a `dataId` is the `dataId` itself; one without references is gone. */
class DataMap {
  get(data: StockData): StockData {
    return data;
  }
  has(data: StockData): boolean {
    return data.refCount > 0;
  }
  set(data: object, members: StockData): void {
    Object.assign(data, members);
  }
  delete(data: StockData): boolean {
    data.refCount = 0;
    return true;
  }
  /** The engine asks, and makes something of it in tests only. */
  numDataIds(): number {
    return 0;
  }
}
