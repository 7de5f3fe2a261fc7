/** Cases of pooling, its gradients, and normalisation. */
import { inferNode } from '../../../kernels/ops/index.js';
import type { Attributes } from '../../../scheduler/graph.js';
import type { Shape } from '../../../scheduler/tensor.js';
import { type CaseTable, f32, i32, type OpCase, randomShape } from '../op-case.js';
import type { Random } from '../random.js';

function image(random: Random): number[] {
  return [random.integer(1, 2), random.integer(4, 7), random.integer(4, 7), random.integer(1, 3)];
}

/** TensorFlow.js pads by a number only for square windows. */
function windows(random: Random): Attributes[] {
  return [
    ...['same', 'valid'].map((pad) => ({
      filterSize: random.pick([2, 3, [2, 3]]),
      strides: random.pick([1, 2, [1, 2]]),
      pad,
    })),
    { filterSize: random.integer(2, 3), strides: random.integer(1, 2), pad: 1 },
  ];
}

function pooledShape(op: string, x: Shape, attributes: Attributes): Shape {
  return inferNode(op, { x: f32(x) }, attributes, 'case').outputs[0]!.shape;
}

const POSITIVE = { min: 0.1 };
const STARTS_ABOVE_ZERO = { wasm: 'takes the least positive float for the least float' };

function poolCases(random: Random): OpCase[] {
  return windows(random).flatMap((attributes) => {
    const x = f32(image(random));
    const withIndex = { ...attributes, includeBatchInIndex: random.next() < 0.5 };
    return [
      { op: 'AvgPool', inputs: { x }, attributes },
      { op: 'MaxPool', inputs: { x }, attributes: { ...attributes, dimRoundingMode: 'floor' } },
      { op: 'MaxPoolWithArgmax', inputs: { x: { ...x, ...POSITIVE } }, attributes: withIndex },
    ];
  });
}

function roundedPoolCases(): OpCase[] {
  const attributes = { filterSize: 2, strides: 2, pad: 1, dimRoundingMode: 'ceil' };
  const except = { wasm: 'rounds output lengths down' };
  return ['AvgPool', 'MaxPool'].map((op) => ({ op, inputs: { x: f32([1, 5, 5, 2]) }, attributes, except }));
}

function gradientCases(random: Random): OpCase[] {
  return windows(random).flatMap((attributes) => {
    const input = f32(image(random), POSITIVE);
    const output = f32(pooledShape('MaxPool', input.shape, attributes));
    return [
      { op: 'AvgPoolGrad', inputs: { dy: output, input }, attributes },
      { op: 'MaxPoolGrad', inputs: { dy: output, input, output }, attributes },
    ];
  });
}

function pool3dCases(random: Random): OpCase[] {
  return ['same', 'valid', 1].flatMap((pad) => {
    const lengths = [random.integer(4, 5), random.integer(4, 5), random.integer(4, 5)];
    const x = f32([1, ...lengths, random.integer(1, 2)], POSITIVE);
    const attributes = { filterSize: random.pick([2, [2, 3, 2]]), strides: random.pick([1, 2]), pad };
    const output = f32(pooledShape('MaxPool3D', x.shape, attributes));
    const forward = { ...attributes, dataFormat: 'NDHWC' };
    return [
      { op: 'AvgPool3D', inputs: { x }, attributes: forward },
      { op: 'MaxPool3D', inputs: { x }, attributes: forward },
      { op: 'AvgPool3DGrad', inputs: { dy: output, input: x }, attributes },
      {
        op: 'MaxPool3DGrad',
        inputs: { dy: output, input: x, output },
        attributes,
        except: { wasm: 'misses the places of some maxima' },
      },
    ];
  });
}

/** Windows without a positive element. */
function negativePoolCases(): OpCase[] {
  const x = { x: f32([1, 4, 4, 1], { max: -0.1 }) };
  const input = f32([1, 4, 4, 4, 1], { max: -0.1 });
  const attributes = { filterSize: 2, strides: 2, pad: 'valid' };
  const output = f32([1, 2, 2, 2, 1]);
  const except = STARTS_ABOVE_ZERO;
  return [
    { op: 'MaxPool', inputs: x, attributes },
    { op: 'MaxPoolWithArgmax', inputs: x, attributes: { ...attributes, includeBatchInIndex: false }, except },
    { op: 'MaxPool3D', inputs: { x: input }, attributes, except },
    { op: 'MaxPool3DGrad', inputs: { dy: output, input, output }, attributes, except },
  ];
}

/** Lengths rounded up, so that the last windows lie beyond the image. */
function emptyWindowCases(): OpCase[] {
  const x = { x: f32([1, 3, 2, 2, 1], POSITIVE) };
  const valid = { filterSize: 1, strides: [3, 2, 2], pad: 'valid' };
  const attributes = { ...valid, dimRoundingMode: 'ceil', dataFormat: 'NDHWC' };
  return [
    { op: 'AvgPool3D', inputs: x, attributes },
    { op: 'MaxPool3D', inputs: x, attributes, except: STARTS_ABOVE_ZERO },
  ];
}

function integerPool(): OpCase {
  return {
    op: 'MaxPool',
    inputs: { x: i32([1, 4, 4, 2]) },
    attributes: { filterSize: 2, strides: 2, pad: 'valid' },
    except: { wasm: 'throws for other dtypes than float32' },
  };
}

function batchNormCases(random: Random): OpCase[] {
  return [2, 4].map((rank) => {
    const x = randomShape(random, rank);
    const statistics = f32(x.slice(-1));
    const inputs = {
      x: f32(x),
      mean: statistics,
      variance: { ...statistics, min: 0.5 },
      ...(random.next() < 0.5 && { scale: statistics }),
      ...(random.next() < 0.5 && { offset: statistics }),
    };
    return { op: 'FusedBatchNorm', inputs, attributes: { varianceEpsilon: 0.001 } };
  });
}

function lrnCases(random: Random): OpCase[] {
  const x = f32([...randomShape(random, 3), random.integer(3, 6)]);
  const attributes = { depthRadius: random.integer(1, 3), bias: 1, alpha: 0.5, beta: 0.5 };
  return [
    { op: 'LRN', inputs: { x }, attributes },
    { op: 'LRNGrad', inputs: { x, y: x, dy: x }, attributes },
  ];
}

export const poolingCases: CaseTable = (random) => [
  ...poolCases(random),
  ...roundedPoolCases(),
  ...gradientCases(random),
  ...pool3dCases(random),
  ...negativePoolCases(),
  ...emptyWindowCases(),
  integerPool(),
  ...batchNormCases(random),
  ...lrnCases(random),
];
