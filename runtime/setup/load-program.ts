/**
 * A program: loads the addon named on the command line, multiplies two matrices on TensorFlow, and prints what it found.
 * It runs in a process of its own, since a library that does not fit may end the process.
 */
import { createRequire } from 'node:module';
import type { LoadedAddon } from './load-test.js';

/** What is used here of the addon. */
interface Addon {
  readonly TF_Version: string;
  readonly TF_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  isUsingGpuDevice(): boolean;
  createTensor(shape: readonly number[], dtype: number, values: Float32Array): number;
  executeOp(
    name: string,
    attributes: readonly { name: string; type: number; value: unknown }[],
    inputs: readonly number[],
    outputCount: number,
  ): { readonly id: number }[];
  tensorDataSync(id: number): Float32Array;
}

const addon = createRequire(import.meta.url)(process.argv[2]!) as Addon;
const matrix = addon.createTensor([2, 2], addon.TF_FLOAT, Float32Array.of(1, 2, 3, 4));
const attributes = [
  { name: 'transpose_a', type: addon.TF_ATTR_BOOL, value: false },
  { name: 'transpose_b', type: addon.TF_ATTR_BOOL, value: false },
  { name: 'T', type: addon.TF_ATTR_TYPE, value: addon.TF_FLOAT },
];
const [product] = addon.executeOp('MatMul', attributes, [matrix, matrix], 1);
const found: LoadedAddon = {
  version: addon.TF_Version,
  usesGpu: addon.isUsingGpuDevice(),
  product: [...addon.tensorDataSync(product!.id)],
};
console.log(JSON.stringify(found));
