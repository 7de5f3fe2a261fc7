import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inferNode } from '../kernels/ops/index.js';
import { createKernelBackend as createReference } from '../kernels/reference/backend.js';
import { createKernelBackend } from '../kernels/wasm/backend.js';
import type { Attributes } from '../scheduler/graph.js';
import type { ImmediateBackend } from '../scheduler/kernel.js';
import { elementCount, type Shape, type Tensor, type TensorSpec } from '../scheduler/tensor.js';
import { backendOptions, difference, programNode, runOn, uploadTo } from './support/one-node.js';
import { floats, ints, randomFloats } from './support/tensors.js';

const NO_MASKS = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };
const POOL = { filterSize: 3, strides: 1, pad: 'valid' };
const TRANSFORM = { interpolation: 'nearest', fillMode: 'constant', fillValue: 0 };
const { NaN: NAN, NEGATIVE_INFINITY: MINUS, POSITIVE_INFINITY: PLUS } = Number;

type Inputs = Readonly<Record<string, Tensor>>;

let backend: ImmediateBackend;
let reference: ImmediateBackend;
beforeEach(async () => {
  backend = await createKernelBackend(backendOptions());
  reference = await createReference(backendOptions());
});
afterEach(() => {
  backend.close();
  reference.close();
});

function outputsOf(op: string, inputs: Inputs, attributes: Attributes): readonly TensorSpec[] {
  return inferNode(op, inputs, attributes, op).outputs;
}

/** Fills freed memory with what would be noticed in a result. */
function soilHeap(): void {
  const soil = uploadTo(backend, floats([50_000], 12_345));
  backend.release(soil);
}

function runNode(
  op: string,
  inputs: Inputs,
  attributes: Attributes = {},
  outputs?: readonly TensorSpec[],
): Tensor[] {
  soilHeap();
  const results = runOn(backend, op, inputs, outputs ?? outputsOf(op, inputs, attributes), attributes);
  expect(backend.memory.liveBytes).toBe(0);
  return results;
}

function fallbackOf(op: string, inputs: Inputs, attributes: Attributes = {}): string | undefined {
  const outputs = outputsOf(op, inputs, attributes);
  return backend.prepare(programNode({ op, inputs, attributes, outputs })).fallback;
}

/** Runs the node on both devices and compares. */
function expectSame(
  op: string,
  inputs: Inputs,
  attributes: Attributes = {},
  outputs?: readonly TensorSpec[],
): void {
  const specs = outputs ?? outputsOf(op, inputs, attributes);
  const actual = runNode(op, inputs, attributes, specs);
  const expected = runOn(reference, op, inputs, specs, attributes);
  expect(actual.map((tensor, index) => difference(tensor, expected[index]!, 1e-5))).toEqual(
    specs.map(() => undefined),
  );
}

describe('wasm computes', () => {
  it.each([
    [0, 0],
    [0.1, 0.1 + 1e-12],
    [MINUS, MINUS],
    [0, PLUS],
    [MINUS, 0],
    [MINUS, PLUS],
    [-1e39, 1e39],
  ])('ClipByValue from %d to %d', (clipValueMin, clipValueMax) => {
    const x = floats([2, 3], -2, -0.5, 0, 0.1, 3, 1e30);
    const [clipped] = runNode('ClipByValue', { x }, { clipValueMin, clipValueMax });
    const expected = x.data.map((value) => Math.min(Math.max(value, clipValueMin), clipValueMax));
    expect([...clipped!.data]).toEqual([...expected]);
    expectSame('ClipByValue', { x }, { clipValueMin, clipValueMax });
  });

  it.each([-1, 0.5, 7, { each: [1, -2, 0.25] }])('RotateWithOffset with fillValue %o', (given) => {
    const fillValue = typeof given === 'number' ? given : given.each;
    const inputs = { image: randomFloats([2, 4, 5, 3], 1) };
    expectSame('RotateWithOffset', inputs, { radians: 0.7, fillValue, center: [0.4, 0.6] });
  });

  it.each([4, 5])('RotateWithOffset for %i channels, each filled with the number', (channels) => {
    const image = floats([1, 2, 2, channels], 9);
    const [rotated] = runNode(
      'RotateWithOffset',
      { image },
      { radians: 0.7, fillValue: 1, center: [30, 30] },
    );
    expect([...rotated!.data]).toEqual([...floats(image.shape, 1).data]);
  });

  it.each([
    [
      [4, 1, 1, 1],
      [4, 1, 3],
    ],
    [
      [2, 1, 2, 3],
      [1, 3, 3, 2],
    ],
    [
      [2, 1, 1, 2, 3],
      [3, 1, 3, 4],
    ],
    [
      [1, 3, 2, 3],
      [2, 3, 3, 2],
    ],
  ])('BatchMatMul of %o and %o, batches broadcast', (aShape, bShape) => {
    const [a, b] = [randomFloats(aShape, 1), randomFloats(bShape, 2)];
    for (const device of [backend, reference]) {
      const attributes = { transposeA: false, transposeB: false };
      const [product] = runOn(
        device,
        'BatchMatMul',
        { a, b },
        outputsOf('BatchMatMul', { a, b }, attributes),
        attributes,
      );
      expect(difference(product!, multiplied(a, b, product!.shape), 1e-5)).toBeUndefined();
    }
  });

  it.each([
    { begin: [1, 0], end: [2, 5], strides: [1, 2], shrinkAxisMask: 1, taken: [5, 7, 9] },
    { begin: [0, 3], end: [4, 4], strides: [2, 1], shrinkAxisMask: 2, taken: [3, 13] },
    { begin: [-1, -1], end: [-9, -9], strides: [-3, -2], taken: [19, 17, 15, 4, 2, 0] },
    {
      begin: [2, 0, 4],
      end: [3, 0, 0],
      strides: [1, 1, -2],
      shrinkAxisMask: 1,
      newAxisMask: 2,
      taken: [14, 12],
    },
  ])('StridedSlice $begin:$end:$strides of each dtype, without the cpu', ({ taken, ...attributes }) => {
    const numbers = Array.from({ length: 20 }, (_, index) => index);
    const bytes = {
      dtype: 'bool',
      shape: [4, 5],
      data: Uint8Array.from(numbers, (number) => number & 1),
    } as const;
    const masks = { ...NO_MASKS, ...attributes };
    for (const x of [floats([4, 5], ...numbers), ints([4, 5], ...numbers)]) {
      expect([...runNode('StridedSlice', { x }, masks)[0]!.data]).toEqual(taken);
      expect(fallbackOf('StridedSlice', { x }, masks)).toBeUndefined();
    }
    expect([...runNode('StridedSlice', { x: bytes }, masks)[0]!.data]).toEqual(
      taken.map((number) => number & 1),
    );
  });

  it.each([MINUS, PLUS, NAN, 0.1])('PadV2 with %d', (constantValue) => {
    const attributes = {
      paddings: [
        [1, 0],
        [0, 2],
      ],
      constantValue,
    };
    const x = floats([1, 2], 1, 2);
    const p = constantValue === 0.1 ? Math.fround(0.1) : constantValue;
    // A NaN must not get in the way of the next number.
    for (const other of [0.5, constantValue])
      runNode('PadV2', { x }, { ...attributes, constantValue: other });
    expect([...runNode('PadV2', { x }, attributes)[0]!.data]).toEqual([p, p, p, p, 1, 2, p, p]);
  });

  it.each([16_777_217, -7])('PadV2 of int32 with %i', (constantValue) => {
    const [padded] = runNode('PadV2', { x: ints([1], 5) }, { paddings: [[1, 1]], constantValue });
    expect([...padded!.data]).toEqual([constantValue, 5, constantValue]);
  });
});

/** The product, matrix by matrix and element by element. */
function multiplied(a: Tensor, b: Tensor, shape: Shape): Tensor {
  const [rows, columns] = shape.slice(-2) as [number, number];
  const inner = a.shape.at(-1)!;
  const batch = shape.slice(0, -2);
  const matrix = ({ shape: own, data }: Tensor, place: readonly number[]) => {
    const lead = own.slice(0, -2);
    const at = lead.reduce(
      (sum, size, axis) => sum * size + (size === 1 ? 0 : place[axis + batch.length - lead.length]!),
      0,
    );
    const size = elementCount(own.slice(-2));
    return data.subarray(at * size, (at + 1) * size);
  };
  const data = Float32Array.from({ length: elementCount(shape) }, (_, flat) => {
    const row = Math.floor(flat / columns) % rows;
    let rest = Math.floor(flat / (rows * columns));
    const place = batch.toReversed().map((size) => {
      const index = rest % size;
      rest = Math.floor(rest / size);
      return index;
    });
    const [x, y] = [matrix(a, place.toReversed()), matrix(b, place.toReversed())];
    return Array.from(
      { length: inner },
      (_, k) => x[row * inner + k]! * y[k * columns + (flat % columns)]!,
    ).reduce((p, q) => p + q, 0);
  });
  return { dtype: 'float32', shape, data };
}

describe('wasm gives nothing for nothing', () => {
  it.each([
    ['AvgPool', { x: floats([1, 2, 2, 1], 1) }, POOL],
    ['MaxPool', { x: floats([0, 4, 4, 1]) }, POOL],
    [
      'Conv2D',
      { x: floats([0, 4, 4, 1]), filter: floats([2, 2, 1, 3], 1) },
      { strides: 1, pad: 'same', dilations: 1, dataFormat: 'NHWC' },
    ],
    ['Transform', { image: floats([0, 3, 3, 1]), transforms: floats([1, 8], 1) }, TRANSFORM],
    ['StridedSlice', { x: floats([3, 2], 1) }, { ...NO_MASKS, begin: [2, 0], end: [1, 2], strides: [1, 1] }],
    ['StridedSlice', { x: floats([0, 2]) }, { ...NO_MASKS, begin: [0], end: [1], strides: [1] }],
    ['SplitV', { x: floats([3, 0]) }, { axis: 0, numOrSizeSplits: [1, 2] }],
    ['DepthToSpace', { x: floats([1, 1, 1, 0]) }, { blockSize: 2 ** 20, dataFormat: 'NHWC' }],
  ])('%s', (op, inputs: Inputs, attributes: Attributes) => {
    for (const output of runNode(op, inputs, attributes)) expect(output.data).toHaveLength(0);
    expectSame(op, inputs, attributes);
  });

  it('and what reductions of nothing give', () => {
    for (const op of ['Sum', 'Prod', 'Max', 'Mean'])
      expectSame(op, { x: floats([2, 0]) }, { axis: 1, keepDims: false, reductionIndices: 1 });
  });
});

const ALPHAS = [[1, 1, 32], [32], [1, 1, 1, 32], [1, 7, 32], [1], [], [1, 1, 1, 1]].map((alphaShape) => ({
  alphaShape,
}));

describe('wasm needs no cpu kernel for', () => {
  it.each(ALPHAS)('Prelu with alpha of shape $alphaShape', ({ alphaShape }) => {
    const [x, alpha] = [randomFloats([2, 5, 7, 32], 1), randomFloats(alphaShape, 2)];
    expect(fallbackOf('Prelu', { x, alpha })).toBeUndefined();
    expectSame('Prelu', { x, alpha });
  });

  it('Prelu as Keras models have it, which gives the same bits as one weight per channel', () => {
    const [x, alpha] = [randomFloats([1, 9, 9, 32], 1), randomFloats([32], 2)];
    const [plain] = runNode('Prelu', { x, alpha });
    const [keras] = runNode('Prelu', { x, alpha: { ...alpha, shape: [1, 1, 32] } });
    expect(keras).toEqual(plain);
  });

  it.each(['FloorDiv', 'Mod', 'RealDiv'])('%s of integers, zero and negative ones among them', (op) => {
    const a = ints([3, 1, 7], 7, -7, 0, 2 ** 31 - 1, -(2 ** 31), 5, -1);
    for (const b of [ints([2, 1], 3, -4), ints([], 0), ints([3, 2, 7], 2, -3, 0, 1, -1)]) {
      expect(fallbackOf(op, { a, b })).toBeUndefined();
      expectSame(op, { a, b });
    }
  });

  it('FloorDiv of floats, which gives integers', () => {
    const [a, b] = [randomFloats([4, 50], 1), randomFloats([50], 2)];
    expect(fallbackOf('FloorDiv', { a, b })).toBeUndefined();
    expectSame('FloorDiv', { a, b });
  });
});
