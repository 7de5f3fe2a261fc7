import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKernelBackend as createReference } from '../kernels/reference/backend.js';
import { createKernelBackend as createWasm } from '../kernels/wasm/backend.js';
import type { ImmediateBackend } from '../scheduler/kernel.js';
import type { Tensor } from '../scheduler/tensor.js';
import { backendOptions, runOn } from './support/one-node.js';
import { floats } from './support/tensors.js';

describe.each([
  ['wasm', createWasm],
  ['reference', createReference],
] as const)('what TensorFlow.js computes wrongly is right on the %s device:', (_name, create) => {
  let backend: ImmediateBackend;
  beforeAll(async () => {
    backend = await create(backendOptions());
  });
  afterAll(() => backend.close());

  it.each([1, 2, 255, 256, 257, 512])('a boolean that is scattered %i times to one place', (times) => {
    const indices: Tensor = { dtype: 'int32', shape: [times, 1], data: new Int32Array(times).fill(1) };
    const updates: Tensor = { dtype: 'bool', shape: [times], data: new Uint8Array(times).fill(1) };
    const outputs = [{ dtype: 'bool', shape: [3] }] as const;
    const [scattered] = runOn(backend, 'ScatterNd', { indices, updates }, outputs, { shape: [3] });
    expect([...scattered!.data]).toEqual([0, 1, 0]);
  });

  it('a slice of a scalar', () => {
    const attributes = { begin: [], size: [] };
    const [slice] = runOn(
      backend,
      'Slice',
      { x: floats([], 0.75) },
      [{ dtype: 'float32', shape: [] }],
      attributes,
    );
    expect([...slice!.data]).toEqual([0.75]);
  });
});
