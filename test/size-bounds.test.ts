import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATA_DEPENDENT_OPS } from '../kernels/ops/excluded.js';
import { SIZED_OPS } from '../kernels/ops/size-bounds.js';
import { createKernelBackend as createReference } from '../kernels/reference/backend.js';
import { createKernelBackend as createWasm } from '../kernels/wasm/backend.js';
import type { ImmediateBackend } from '../scheduler/kernel.js';
import type { Tensor, TensorSpec } from '../scheduler/tensor.js';
import { runGuarded } from './op-fuzz/guarded-run.js';
import { backendOptions } from './support/one-node.js';

/** One call of an op, with the input of one int32 that decides how large its outputs are. */
interface Call {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: readonly TensorSpec[];
  readonly decides: string;
  /** Of the deciding input, for which the outputs are as declared. */
  readonly fits: readonly number[];
  /** The input when it asks for so many rows. */
  asking(rows: number): readonly number[];
}

const ints = (...data: number[]): Tensor => ({
  dtype: 'int32',
  shape: [data.length],
  data: Int32Array.from(data),
});
const floats = (shape: readonly number[], ...data: number[]): Tensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(data),
});
const spec = (dtype: TensorSpec['dtype'], ...shape: number[]): TensorSpec => ({ dtype, shape });

const SEGMENTS: Call = {
  inputs: { data: floats([2, 1], 1, 2), indices: ints(0, 1), segmentIds: ints(0, 2) },
  outputs: [spec('float32', 3, 1)],
  decides: 'segmentIds',
  fits: [0, 2],
  asking: (rows) => [0, rows - 1],
};

const CALLS: Readonly<Record<string, Call>> = {
  SparseSegmentMean: SEGMENTS,
  SparseSegmentSum: SEGMENTS,
  SparseFillEmptyRows: {
    inputs: {
      indices: { ...ints(0, 0), shape: [1, 2] },
      values: floats([1], 1),
      denseShape: ints(2, 2),
      defaultValue: floats([], 7),
    },
    outputs: [spec('int32', 2, 2), spec('float32', 2), spec('bool', 2), spec('int32', 1)],
    decides: 'denseShape',
    fits: [2, 2],
    asking: (rows) => [rows, 2],
  },
  RaggedRange: {
    inputs: { starts: ints(0, 3), limits: ints(2, 2), deltas: ints(1, -1) },
    outputs: [spec('int32', 3), spec('int32', 3)],
    decides: 'limits',
    fits: [2, 2],
    asking: (rows) => [rows - 1, 2],
  },
};

describe.each([
  ['wasm', createWasm],
  ['reference', createReference],
] as const)('inputs that decide a size on the %s device', (_name, create) => {
  let backend: ImmediateBackend;
  beforeAll(async () => {
    backend = await create(backendOptions());
  });
  afterAll(() => backend.close());

  const run = (op: string, decides: readonly number[], outputs = CALLS[op]!.outputs) => {
    const call = CALLS[op]!;
    const inputs = { ...call.inputs, [call.decides]: ints(...decides) };
    return runGuarded(backend, { op, inputs, outputs }, inputs);
  };

  it.each(Object.keys(SIZED_OPS))('are taken by %s up to what the graph declares', (op) => {
    expect(run(op, CALLS[op]!.fits)).toMatchObject({ kind: 'completed' });
  });

  it.each(Object.keys(SIZED_OPS))('are refused by %s before anything of that size is allocated', (op) => {
    const { output } = SIZED_OPS[op]!;
    const declared = CALLS[op]!.outputs[output]!.shape[0]!;
    for (const rows of [declared + 1, 2 ** 22]) {
      const ending = run(op, CALLS[op]!.asking(rows));
      expect(ending).toMatchObject({
        kind: 'failed',
        error: { code: 'KERNEL_FAILED', node: `the ${op}`, expected: declared, received: rows },
      });
      const { message } = (ending as { error: Error }).error;
      expect(message).toContain(`for ${declared} rows of output ${output} at most, received ${rows}`);
    }
  });

  it('have no rows where the graph leaves out the output that they decide', () => {
    expect(run('RaggedRange', [2 ** 22, 2], [spec('int32', 3)])).toMatchObject({
      error: { code: 'KERNEL_FAILED', expected: 0, received: 2 ** 22 + 1 },
    });
  });

  it('are left to the kernel where it refuses them before it allocates', () => {
    const inputs = { ...CALLS['RaggedRange']!.inputs, deltas: ints(0, 1) };
    const ending = runGuarded(backend, { op: 'RaggedRange', inputs, outputs: [spec('int32', 3)] }, inputs);
    expect((ending as { error: Error }).error.message).toContain('delta != 0');
  });
});

describe('the table of sized ops', () => {
  it('has every op whose outputs can grow beyond its inputs', () => {
    const bounded = [
      ...['Where', 'Unique', 'NonMaxSuppressionV3', 'NonMaxSuppressionV4', 'NonMaxSuppressionV5'],
      // They take lists of tensors, which no node can name.
      ...['RaggedGather', 'RaggedTensorToTensor'],
    ];
    expect(Object.keys(SIZED_OPS).concat(bounded).sort()).toEqual([...DATA_DEPENDENT_OPS.keys()].sort());
  });
});
