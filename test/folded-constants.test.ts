import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { inferNode, opNames } from '../kernels/ops/index.js';
import { interpret } from '../kernels/reference/interpret.js';
import { trace } from '../runtime/trace.js';
import type { Tensor } from '../scheduler/tensor.js';
import { type FuzzCase, formatFuzzCase, fuzzCase } from './op-fuzz/fuzz-case.js';
import { seeds, withSeed } from './support/seed.js';
import { floats, ints } from './support/tensors.js';

type Call = Pick<FuzzCase, 'op' | 'inputs' | 'attributes'>;

const ROUNDS = 4;

/** Ops that draw numbers of their own. */
const RANDOM = new Set(['Multinomial']);

function call({ op, attributes }: Call, tensors: tf.NamedTensorMap): tf.Tensor[] {
  const inputs = '0' in tensors ? (Object.values(tensors) as unknown as tf.NamedTensorMap) : tensors;
  const given = Object.entries(attributes).filter(([, value]) => value !== null);
  return [
    tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(op, inputs, Object.fromEntries(given) as never),
  ].flat();
}

/** The outputs of the call's node. */
async function recorded(given: Call): Promise<Record<string, Tensor>> {
  const graph = await trace((tensors) => call(given, tensors), given.inputs);
  return interpret(graph, given.inputs);
}

/** The outputs of the call when it is of constants. */
async function folded(given: Call): Promise<Record<string, Tensor>> {
  const graph = await trace(() => {
    const constants = Object.entries(given.inputs).map(
      ([name, { data, shape, dtype }]) => [name, tf.tensor(data.slice(), [...shape], dtype)] as const,
    );
    return call(given, Object.fromEntries(constants));
  }, {});
  expect(graph.nodes.filter(({ kind }) => kind === 'kernel')).toEqual([]);
  return interpret(graph, {});
}

function isAccepted({ op, inputs, attributes }: Call): boolean {
  try {
    inferNode(op, inputs, attributes, op);
    return true;
  } catch {
    return false;
  }
}

const failure = (error: unknown) => ({ failed: error instanceof Error });

describe('kernels of constants give what nodes give', () => {
  const masks = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0 };
  const slice = { begin: [1, 0], end: [2, 6], strides: [1, 2], shrinkAxisMask: 1, ...masks };
  const product = { transposeA: false, transposeB: false };

  it.each<[string, Call, readonly number[]]>([
    [
      'a strided slice that drops an axis',
      {
        op: 'StridedSlice',
        inputs: { x: floats([2, 6], 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12) },
        attributes: slice,
      },
      [7, 9, 11],
    ],
    [
      'products whose operands repeat each on its own',
      {
        op: 'BatchMatMul',
        inputs: { a: floats([2, 1, 1, 1], 1, 2), b: floats([1, 2, 1, 1], 1, 10) },
        attributes: product,
      },
      [1, 10, 2, 20],
    ],
    [
      'LogicalXor',
      {
        op: 'LogicalXor',
        inputs: {
          a: { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 1) },
          b: { dtype: 'bool', shape: [2], data: Uint8Array.of(0, 1) },
        },
        attributes: {},
      },
      [1, 0],
    ],
    [
      'an array of one piece',
      { op: 'SplitV', inputs: { x: ints([2], 5, 6) }, attributes: { numOrSizeSplits: [2], axis: 0 } },
      [5, 6],
    ],
  ])('for %s', async (_what, given, expected) => {
    const outputs = await folded(given);
    expect([...outputs['output_0']!.data]).toEqual(expected);
    expect(outputs).toEqual(await recorded(given));
  });

  it('for indices out of range: none', async () => {
    const given: Call = {
      op: 'ScatterNd',
      inputs: { indices: ints([1, 2], 0, 3), updates: floats([1], 1) },
      attributes: { shape: [2, 2] },
    };
    await expect(recorded(given)).rejects.toMatchObject({ code: 'KERNEL_FAILED' });
    await expect(folded(given)).rejects.toMatchObject({ code: 'KERNEL_FAILED' });
  });

  it('for random calls of every op', { timeout: 60_000 }, async () => {
    for (const seed of seeds(ROUNDS * opNames().length)) {
      await withSeed(seed, async () => {
        const given = fuzzCase(seed);
        if (RANDOM.has(given.op) || !isAccepted(given)) return;
        const expected = await recorded(given).catch(failure);
        const actual = await folded(given).catch(failure);
        expect(actual, formatFuzzCase(given)).toEqual(expected);
      });
    }
  });
});
