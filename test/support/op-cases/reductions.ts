/** Cases of reductions: every dtype, all axes, one axis, several axes, kept or dropped. */
import type { DType } from '../../../scheduler/tensor.js';
import { type CaseTable, f32, type OpCase, of, randomShape } from '../op-case.js';
import type { Random } from '../random.js';

const NUMERIC = ['float32', 'int32'] as const;

const REDUCTIONS: readonly (readonly [op: string, dtypes: readonly DType[], axes: string])[] = [
  ['All', ['bool'], 'axis'],
  ['Any', ['bool'], 'axis'],
  ['Max', NUMERIC, 'reductionIndices'],
  ['Mean', NUMERIC, 'axis'],
  ['Min', NUMERIC, 'axis'],
  ['Prod', NUMERIC, 'axis'],
  ['Sum', NUMERIC, 'axis'],
];

function randomAxes(random: Random, rank: number): (null | number | number[])[] {
  const axes = random.shuffle(Array.from({ length: rank }, (_, axis) => axis));
  const several = axes.slice(0, random.integer(1, rank)).sort((a, b) => a - b);
  return [null, random.integer(0, rank - 1), -1, several];
}

function axesCases(random: Random): OpCase[] {
  return REDUCTIONS.flatMap(([op, dtypes, name]) =>
    dtypes.flatMap((dtype) => {
      const rank = random.integer(2, 4);
      return randomAxes(random, rank).map((axes) => ({
        op,
        inputs: { x: of(dtype, randomShape(random, rank)) },
        attributes: { [name]: axes, keepDims: random.next() < 0.5 },
      }));
    }),
  );
}

/** Counting: what TensorFlow.js casts to int32 before it calls the kernel. */
function countingCases(random: Random): OpCase[] {
  const x = of('bool', randomShape(random, 2));
  const attributes = { axis: 0, keepDims: false };
  const except = { wasm: 'gives bool, where cpu gives int32' };
  return [
    { op: 'Sum', inputs: { x }, attributes, except },
    { op: 'Prod', inputs: { x }, attributes, except },
    { op: 'Mean', inputs: { x }, attributes },
    { op: 'Sum', inputs: { x: f32([]) }, attributes: { axis: null, keepDims: false } },
  ];
}

function extremeIndexCases(random: Random): OpCase[] {
  return ['ArgMax', 'ArgMin'].flatMap((op) =>
    NUMERIC.flatMap((dtype) => {
      const rank = random.integer(1, 4);
      return [random.integer(0, rank - 1), -1].map((axis) => ({
        op,
        inputs: { x: of(dtype, randomShape(random, rank)) },
        attributes: { axis },
      }));
    }),
  );
}

function cumulationCases(random: Random): OpCase[] {
  return ['Cumsum', 'Cumprod'].flatMap((op) =>
    NUMERIC.flatMap((dtype) => {
      const rank = random.integer(1, 4);
      return [true, false].map((exclusive) => ({
        op,
        inputs: { x: of(dtype, randomShape(random, rank)) },
        attributes: { axis: random.integer(0, rank - 1), exclusive, reverse: random.next() < 0.5 },
      }));
    }),
  );
}

function softmaxCases(random: Random): OpCase[] {
  const shape = randomShape(random, random.integer(2, 4));
  return [shape, shape.slice(-1)].map((logits) => ({
    op: 'Softmax',
    inputs: { logits: f32(logits) },
    attributes: { dim: logits.length - 1 },
  }));
}

export const reductionCases: CaseTable = (random) => [
  ...axesCases(random),
  ...countingCases(random),
  ...extremeIndexCases(random),
  ...cumulationCases(random),
  ...softmaxCases(random),
];
