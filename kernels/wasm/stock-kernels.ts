/** TensorFlow.js's own kernels for wasm, as a private copy per backend. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { compileFunction } from 'node:vm';
import type { KernelConfig } from '@tensorflow/tfjs-core';

const require = createRequire(import.meta.url);
const bundle = require.resolve('@tensorflow/tfjs-backend-wasm');

/** Root folder of the installed package. */
export const packageFolder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'));

/**
 * Evaluates the package's bundle and collects the kernels it registers, by name.
 *
 * Each kernel keeps the functions of the last backend it was set up for in variables of its module, so two backends
 * in one thread (the caller's own and ours) would silently run on each other's heap. A private evaluation keeps them
 * apart, and leaves the registries of `@tensorflow/tfjs-core` alone.
 */
export function evaluateStockKernels(): Map<string, KernelConfig> {
  const kernels = new Map<string, KernelConfig>();
  const requireFromBundle = createRequire(bundle);
  const core = {
    ...requireFromBundle('@tensorflow/tfjs-core'),
    registerKernel: (config: KernelConfig) => kernels.set(config.kernelName, config),
    registerBackend: () => true,
  };
  const requireModule = (name: string) => (name === '@tensorflow/tfjs-core' ? core : requireFromBundle(name));
  const evaluate = compileFunction(
    readFileSync(bundle, 'utf8'),
    ['exports', 'require', 'module', '__filename', '__dirname'],
    { filename: bundle },
  );
  const module = { exports: {} };
  evaluate(module.exports, requireModule, module, bundle, dirname(bundle));
  return kernels;
}
