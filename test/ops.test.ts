import { beforeAll, describe, expect, it } from 'vitest';
import { DATA_DEPENDENT_OPS, UNREPRESENTABLE_OPS } from '../kernels/ops/excluded.js';
import { findOp, inferNode, opNames } from '../kernels/ops/index.js';
import type { InputSpecs } from '../kernels/ops/op.js';
import { CurfewError } from '../scheduler/errors.js';
import type { Attributes } from '../scheduler/graph.js';
import { formatSpec, type TensorSpec } from '../scheduler/tensor.js';
import { type Backend, caseTensors, formatCase, type OpCase, opCases } from './support/op-cases.js';
import { hasKernel, kernelNames, runKernel, startBackend } from './support/tfjs-kernels.js';

const SEED = Number(process.env['CURFEW_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const CASES = opCases(SEED);

function f32(...shape: number[]): TensorSpec {
  return { dtype: 'float32', shape };
}

/** Runs a case's kernel and describes where it departs from the table. */
function departure(opCase: OpCase, backend: Backend): string | undefined {
  const { op, inputs, attributes } = opCase;
  const expected = inferNode(op, inputs, attributes, 'case').outputs.map(formatSpec);
  const actual = runKernel(opCase, caseTensors(opCase, SEED), backend).map(formatSpec);
  if (actual.join() === expected.join()) return undefined;
  return `${formatCase(opCase)}: expected ${expected}, received ${actual}`;
}

/** All departures of an op on a backend; a throwing kernel counts as one. */
function departures(op: string, backend: Backend): string[] {
  const cases = CASES.filter((opCase) => opCase.op === op && opCase.except?.[backend] === undefined);
  return cases.flatMap((opCase) => {
    try {
      return departure(opCase, backend) ?? [];
    } catch (error) {
      return `${formatCase(opCase)}: ${error}`;
    }
  });
}

describe.each(['cpu', 'wasm'] as const)(`op table against the kernels of %s (seed ${SEED})`, (backend) => {
  beforeAll(() => startBackend(backend));

  it.each(opNames().filter((op) => hasKernel(op, backend)))('infers what %s produces', (op) => {
    expect(departures(op, backend), `CURFEW_TEST_SEED=${SEED}`).toEqual([]);
  });
});

describe('coverage of the op table', () => {
  it('has a case that runs for every op', () => {
    const backends: readonly Backend[] = ['cpu', 'wasm'];
    const runs = ({ op, except }: OpCase) =>
      backends.some((backend) => hasKernel(op, backend) && except?.[backend] === undefined);
    const covered = new Set(CASES.filter(runs).map(({ op }) => op));
    expect(opNames().filter((op) => !covered.has(op))).toEqual([]);
  });

  it('describes or excludes every kernel of cpu and wasm, and none twice', () => {
    const excluded = [...DATA_DEPENDENT_OPS.keys(), ...UNREPRESENTABLE_OPS.keys()];
    const known = [...opNames(), ...excluded];
    expect(new Set(known).size).toBe(known.length);
    const kernels = [...kernelNames('cpu'), ...kernelNames('wasm')];
    expect(kernels.filter((name) => !known.includes(name))).toEqual([]);
  });
});

describe('op cases', () => {
  it('are the same for the same seed', () => {
    expect(opCases(7)).toEqual(opCases(7));
    const [opCase] = opCases(7);
    expect(caseTensors(opCase!, 7)).toEqual(caseTensors(opCase!, 7));
  });
});

/** The error that inferring a node raises. */
function failure(op: string, inputs: InputSpecs, attributes: Attributes): CurfewError {
  try {
    inferNode(op, inputs, attributes, 'n');
  } catch (error) {
    if (error instanceof CurfewError) return error;
    throw error;
  }
  throw new Error(`${op} ${JSON.stringify(attributes)} was accepted`);
}

function i32(...shape: number[]): TensorSpec {
  return { dtype: 'int32', shape };
}

const MINUS = Number.NEGATIVE_INFINITY;
const PADDING = { paddings: [[1, 1]] };
const CONV = { strides: 1, pad: 'same', dataFormat: 'NHWC', dilations: 1 };
const IMAGE = { x: f32(1, 4, 4, 3), filter: f32(2, 2, 3, 8) };
const POOL = { filterSize: 2, strides: 2, pad: 'valid' };

/** Each row: op, inputs, attributes, and what the message must say. */
const MALFORMED: readonly (readonly [string, InputSpecs, Attributes, RegExp])[] = [
  ['Conv2D', IMAGE, { ...CONV, strides: 0 }, /strides to be a positive integer or two.* received 0/],
  ['Conv2D', IMAGE, { ...CONV, pad: 'full' }, /pad to be 'same', 'valid'.* received "full"/],
  ['Conv2D', IMAGE, { ...CONV, pad: [[0, 0]] }, /pad to be 4 pairs/],
  ['Conv2D', IMAGE, { ...CONV, dataFormat: 'NCWH' }, /dataFormat to be 'NHWC' or 'NCHW', received "NCWH"/],
  ['Conv2D', IMAGE, { ...CONV, strides: [1, 2], pad: 1 }, /a square filter .* received "pad 1"/],
  [
    'Conv2D',
    { ...IMAGE, filter: f32(2, 2, 4, 8) },
    CONV,
    /filter for 3 input channels, received \[2, 2, 4, 8\]/,
  ],
  [
    'Conv2D',
    { ...IMAGE, x: { dtype: 'int32', shape: [1, 4, 4, 3] } },
    CONV,
    /x of dtype float32, received "int32/,
  ],
  ['FusedConv2D', IMAGE, { ...CONV, activation: 'gelu' }, /activation to be 'linear'.* received "gelu"/],
  ['FusedConv2D', IMAGE, { ...CONV, activation: 'prelu' }, /preluActivationWeights.* received undefined/],
  ['MaxPool', { x: f32(4, 4) }, POOL, /x of rank 4, received "float32\[4,4\]"/],
  [
    'MaxPool',
    { x: f32(1, 4, 4, 1) },
    { ...POOL, filterSize: [2, 2, 2] },
    /filterSize .* received \[2, 2, 2\]/,
  ],
  ['BatchMatMul', { a: f32(2, 3), b: f32(4, 2) }, {}, /b with inner dimension 3, received "float32\[4,2\]"/],
  [
    'BatchMatMul',
    { a: f32(2, 3), b: f32(3, 2) },
    { transposeA: 'no' },
    /transposeA to be a boolean, received "no"/,
  ],
  ['Add', { a: f32(2), b: f32(3) }, {}, /fit a float32\[2\], b float32\[3\], received a contradiction/],
  [
    'Add',
    { a: f32(2), b: { dtype: 'int32', shape: [2] } },
    {},
    /one dtype \(float32\), received "int32\[2\]"/,
  ],
  ['Sum', { x: f32(2, 3) }, { axis: 2 }, /axis to be axes of a tensor of rank 2, received 2/],
  ['Sum', { x: f32(2, 3) }, { axis: [1, -1] }, /axis to be distinct axes, received \[1, -1\]/],
  ['Reshape', { x: f32(2, 3) }, { shape: [4] }, /received a contradiction: Size\(6\) must match/],
  ['Reshape', { x: f32(2, 3) }, {}, /shape to be an array of integers.* received undefined/],
  ['Transpose', { x: f32(2, 3) }, { perm: [0, 0] }, /permutation of 2 axes, received \[0, 0\]/],
  ['Cast', { x: f32(2) }, { dtype: 'complex64' }, /dtype to be 'float32'.* received "complex64"/],
  ['Slice', { x: f32(2) }, { begin: [1], size: [2] }, /received a contradiction/],
  ['Tile', { x: f32(2) }, { reps: [-1] }, /reps to be an array of 1 integers of 0 or more, received \[-1\]/],
  ['Range', {}, { start: 0, stop: 1, step: 0, dtype: 'int32' }, /step other than 0, received 0/],
  ['Einsum', { 0: f32(2, 3) }, { equation: 7 }, /equation to be a string, received 7/],
  ['Einsum', { 0: f32(1, 3, 3) }, { equation: 'ij->ji' }, /input 0 of rank 2, received "float32\[1,3,3\]"/],
  ['Reshape', { x: f32(4, 0, 4) }, { shape: [16, 4] }, /shape of 0 elements, received \[16, 4\]/],
  [
    'FusedConv2D',
    { ...IMAGE, preluActivationWeights: f32(8) },
    { ...CONV, activation: 'relu' },
    /activation 'prelu'/,
  ],
  [
    'FusedBatchNorm',
    { x: f32(2, 3), mean: f32(2, 1), variance: f32(2, 1) },
    {},
    /mean along the last dimensions/,
  ],
  ['FusedBatchNorm', { x: f32(2, 3), mean: f32(3), variance: f32(1, 3) }, {}, /variance of rank 1/],
  [
    'PadV2',
    { x: i32(2) },
    { ...PADDING, constantValue: MINUS },
    /constantValue .* for int32, received -Infinity/,
  ],
  ['PadV2', { x: i32(2) }, { ...PADDING, constantValue: 2 ** 31 }, /from -2147483648 to 2147483647/],
  [
    'Fill',
    {},
    { shape: [2], value: 2, dtype: 'bool' },
    /value to be a number from 0 to 1 for bool, received 2/,
  ],
  ['OneHot', { indices: i32(2) }, { dtype: 'int32', depth: 2, onValue: 1 }, /offValue to be a number/],
  ['ClipByValue', { x: f32(2) }, { clipValueMin: Number.NaN, clipValueMax: 1 }, /received NaN/],
  [
    'ResizeBilinear',
    { images: f32(1, 2, 2, 1) },
    { size: [3, 3], alignCorners: true, halfPixelCenters: true },
    /not both/,
  ],
  [
    'ResizeNearestNeighborGrad',
    { images: f32(1, 2, 1, 1), dy: f32(1, 2, 3, 1) },
    { alignCorners: true },
    /images of 2 or more rows and columns with alignCorners, received \[1, 2, 1, 1\]/,
  ],
  [
    'MaxPool',
    { x: f32(1, 4, 4, 1) },
    { ...POOL, filterSize: 2 ** 25, pad: 'same' },
    /windows, strides, dilations/,
  ],
  [
    'Conv2D',
    IMAGE,
    { ...CONV, dilations: 2 ** 32 },
    /windows, strides, dilations and padding of 16777216 at most/,
  ],
];

describe('inferNode()', () => {
  it.each(MALFORMED)('rejects malformed %s %o %o', (op, inputs, attributes, message) => {
    const error = failure(op, inputs, attributes);
    expect(error).toMatchObject({ code: 'INVALID_ATTRIBUTE', node: 'n' });
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(message);
    expect(error.message.startsWith(`node "n" (${op}): expected `)).toBe(true);
    expect(error.expected).toEqual(expect.any(String));
    expect(error).toHaveProperty('received');
  });

  it.each([
    ['Add', { a: f32(2) }, 'inputs a, b', ['a']],
    ['Relu', { x: f32(2), y: f32(2) }, 'inputs x', ['x', 'y']],
    [
      'Relu',
      Object.fromEntries([
        ['x', f32(2)],
        ['__proto__', f32(2)],
      ]),
      'inputs x',
      ['x', '__proto__'],
    ],
    ['Fill', { x: f32(2) }, 'no inputs', ['x']],
    ['FusedBatchNorm', {}, 'inputs x, mean, variance, scale (optional), offset (optional)', []],
    ['Concat', { 0: f32(2), 2: f32(2) }, "inputs '0', '1', … without gaps, at least one", ['0', '2']],
    ['Concat', {}, "inputs '0', '1', … without gaps, at least one", []],
  ])('rejects %s with missing or unknown inputs, quoting both', (op, inputs, expected, received) => {
    expect(failure(op, inputs, { axis: 0 })).toMatchObject({
      code: 'INVALID_GRAPH',
      node: 'n',
      expected,
      received,
    });
  });

  it.each(['Conv9D', '__proto__', 'constructor', 'toString'])('does not find an op named %s', (op) => {
    expect(findOp(op)).toBeUndefined();
    const error = failure(op, {}, {});
    expect(error).toMatchObject({ code: 'UNSUPPORTED_OP', received: op });
    expect(error.message).toContain('give its output specs in options.outputs');
  });

  it.each([...DATA_DEPENDENT_OPS, ...UNREPRESENTABLE_OPS])('says why %s is unsupported', (op, reason) => {
    const error = failure(op, {}, {});
    expect(error.code).toBe('UNSUPPORTED_OP');
    expect(error.message).toContain(`${reason}; compute it in a host node`);
  });

  it('rejects outputs beyond the limits', () => {
    const error = failure('Tile', { x: f32(1024, 1024) }, { reps: [1024, 1024] });
    expect(error.code).toBe('LIMIT_EXCEEDED');
  });

  it('takes optional inputs that are undefined for left out', () => {
    const inputs = { ...IMAGE, bias: undefined } as unknown as InputSpecs;
    const { outputs } = inferNode('FusedConv2D', inputs, { ...CONV, activation: 'relu' }, 'n');
    expect(outputs).toEqual([f32(1, 4, 4, 8)]);
  });
});

describe('costs', () => {
  it.each([
    ['Add', { a: f32(4, 8), b: f32(8) }, {}, 32, 4 * (32 + 8 + 32)],
    ['BatchMatMul', { a: f32(5, 2, 3), b: f32(3, 7) }, {}, 2 * 5 * 2 * 3 * 7, 4 * (30 + 21 + 70)],
    ['Conv2D', IMAGE, CONV, 2 * (4 * 4 * 8) * (2 * 2 * 3), 4 * (48 + 96 + 128)],
    [
      'DepthwiseConv2dNative',
      { x: f32(1, 4, 4, 3), filter: f32(2, 2, 3, 2) },
      CONV,
      2 * (4 * 4 * 6) * (2 * 2),
      4 * (48 + 24 + 96),
    ],
    ['MaxPool', { x: f32(1, 4, 4, 1) }, POOL, 4 * 4, 4 * (16 + 4)],
    ['Sum', { x: f32(4, 8) }, { axis: 0 }, 32, 4 * (32 + 8)],
    ['Reshape', { x: f32(4, 8) }, { shape: [32] }, 0, 0],
    ['Transpose', { x: f32(4, 8) }, { perm: [1, 0] }, 0, 4 * 64],
    ['Einsum', { 0: f32(2, 3), 1: f32(3, 4) }, { equation: 'ij,jk->ik' }, 2 * 2 * 3 * 4, 4 * (6 + 12 + 8)],
  ])('of %s follow the textbook', (op, inputs, attributes, operations, bytes) => {
    expect(inferNode(op, inputs as InputSpecs, attributes, 'n').cost).toEqual({ operations, bytes });
  });
});
