/** TensorFlow.js's kernels for WebGPU, as a private copy per backend. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { compileFunction } from 'node:vm';
import type * as tf from '@tensorflow/tfjs-core';
import type { DawnGlobals } from './dawn.js';

/** The kernels by op, and the class whose methods they call. */
export interface StockKernels {
  readonly kernels: ReadonlyMap<string, tf.KernelFunc>;
  readonly Backend: { readonly prototype: object };
}

type Flag = boolean | number | string;

const require = createRequire(import.meta.url);

/** Flags that differ from the package's. */
const FLAGS: Readonly<Record<string, Flag>> = {
  // Kernels would compute small tensors on the thread.
  WEBGPU_CPU_FORWARD: false,
  WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE: 1e9,
};

/** The environment with flags of its own, so that the package changes none for others. */
function privateEnvironment(shared: tf.Environment): object {
  const flags = new Map<string, Flag>();
  const get = (name: string) => flags.get(name) ?? shared.get(name);
  return {
    registerFlag: (name: string, evaluate: () => Flag) => flags.set(name, FLAGS[name] ?? evaluate()),
    get,
    getBool: get,
    getNumber: get,
  };
}

/** Evaluates the package's bundle with these globals, and collects what it registers. */
export function evaluateStockKernels(bundle: string, globals: DawnGlobals): StockKernels {
  const kernels = new Map<string, tf.KernelFunc>();
  const shared = require('@tensorflow/tfjs-core') as typeof tf;
  const env = privateEnvironment(shared.env());
  const core = {
    ...shared,
    env: () => env,
    registerKernel: ({ kernelName, kernelFunc }: tf.KernelConfig) => kernels.set(kernelName, kernelFunc),
    registerBackend: () => true,
  };
  const names = [
    ...['exports', 'require', 'module', '__filename', '__dirname'],
    ...['GPUBuffer', 'GPUTexture', 'GPUBufferUsage', 'GPUMapMode'],
  ];
  const requireModule = (name: string) => (name === '@tensorflow/tfjs-core' ? core : require(name));
  const module = { exports: {} as { WebGPUBackend: StockKernels['Backend'] } };
  const { GPUBuffer, GPUTexture, GPUBufferUsage, GPUMapMode } = globals;
  const evaluate = compileFunction(readFileSync(bundle, 'utf8'), names, { filename: bundle });
  evaluate(
    ...[module.exports, requireModule, module, bundle, dirname(bundle)],
    ...[GPUBuffer, GPUTexture, GPUBufferUsage, GPUMapMode],
  );
  return { kernels, Backend: module.exports.WebGPUBackend };
}
