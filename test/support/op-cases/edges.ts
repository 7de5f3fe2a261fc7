/** Cases at the edges of ops: nothing to compute, infinite and equal bounds, indices outside, broadcasts on both sides. */
import { bool, type CaseTable, f32, i32, type OpCase, variadic } from '../op-case.js';

const { NEGATIVE_INFINITY: MINUS, POSITIVE_INFINITY: PLUS } = Number;
const PLAIN = { transposeA: false, transposeB: false };
const POOL = { filterSize: 3, strides: 1, pad: 'valid' };
const CONV = { strides: 1, pad: 'valid', dilations: 1, dataFormat: 'NHWC' };
const NO_MASKS = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };
/** Seen in some shapes; in others nothing comes of it. */
const STRAYS = { wasm: 'reads and writes beyond its tensors where there is nothing to compute' };

/** Outputs without elements, of inputs that have some or none. */
function emptyOutputs(): OpCase[] {
  return [
    { op: 'Add', inputs: { a: f32([0, 3]), b: f32([1, 3]) }, attributes: {} },
    { op: 'LogicalXor', inputs: { a: bool([0]), b: bool([1]) }, attributes: {} },
    { op: 'AvgPool', inputs: { x: f32([1, 2, 4, 1]) }, attributes: POOL, except: STRAYS },
    { op: 'MaxPool', inputs: { x: f32([0, 4, 4, 1]) }, attributes: POOL },
    {
      op: 'Conv2D',
      inputs: { x: f32([1, 2, 4, 1]), filter: f32([3, 3, 1, 2]) },
      attributes: CONV,
      except: STRAYS,
    },
    { op: 'BatchMatMul', inputs: { a: f32([0, 3]), b: f32([3, 2]) }, attributes: PLAIN },
    {
      op: 'GatherV2',
      inputs: { x: f32([3, 0]), indices: i32([2], { values: [2, 0] }) },
      attributes: { axis: 0, batchDims: 0 },
      except: { wasm: 'gives another shape where there is nothing to compute' },
    },
    { op: 'Slice', inputs: { x: f32([3, 4]) }, attributes: { begin: [1, 4], size: [2, 0] } },
    {
      op: 'StridedSlice',
      inputs: { x: f32([3, 2]) },
      attributes: { ...NO_MASKS, begin: [2, 0], end: [1, 2], strides: [1, 1] },
      except: {
        cpu: 'throws where there is nothing to compute',
        wasm: 'throws or traps where there is nothing to compute',
      },
    },
    { op: 'TopK', inputs: { x: f32([3, 2]) }, attributes: { k: 0, sorted: true } },
    { op: 'Tile', inputs: { x: f32([3, 2]) }, attributes: { reps: [0, 2] } },
    {
      op: 'Transform',
      inputs: { image: f32([0, 2, 2, 1]), transforms: f32([1, 8]) },
      attributes: { interpolation: 'nearest', fillMode: 'constant', fillValue: 0 },
    },
    { op: 'SplitV', inputs: { x: f32([3, 0]) }, attributes: { axis: 0, numOrSizeSplits: [0, 3] } },
  ];
}

/** Outputs with elements of inputs without. */
function emptyInputs(): OpCase[] {
  const x = { x: f32([2, 0]) };
  const none = { axis: 1, reductionIndices: 1, keepDims: true };
  return [
    ...['Sum', 'Prod', 'Max', 'Mean', 'Min'].map((op) => ({ op, inputs: x, attributes: none })),
    {
      op: 'PadV2',
      inputs: x,
      attributes: {
        paddings: [
          [0, 0],
          [1, 2],
        ],
        constantValue: 3,
      },
    },
    {
      op: 'BatchMatMul',
      inputs: { a: f32([2, 0]), b: f32([0, 3]) },
      attributes: PLAIN,
      except: { wasm: 'leaves the product as it finds it' },
    },
    { op: 'Concat', inputs: variadic([f32([2, 0]), f32([2, 3])]), attributes: { axis: -1 } },
    {
      op: 'ScatterNd',
      inputs: { indices: i32([0, 1]), updates: f32([0, 2]) },
      attributes: { shape: [3, 2] },
    },
  ];
}

const NOTHING = { wasm: 'leaves the output as it finds it where XNNPACK refuses the bounds' };

function oddNumbers(): OpCase[] {
  const x = { x: f32([2, 3]) };
  const paddings = [
    [1, 0],
    [0, 2],
  ];
  const clip = (clipValueMin: number, clipValueMax: number) => ({
    op: 'ClipByValue',
    inputs: x,
    attributes: { clipValueMin, clipValueMax },
  });
  return [
    { ...clip(0.5, 0.5), except: NOTHING },
    clip(MINUS, 0.5),
    clip(0, PLUS),
    { ...clip(MINUS, MINUS), except: NOTHING },
    ...[MINUS, PLUS, Number.NaN].map((constantValue) => ({
      op: 'PadV2',
      inputs: x,
      attributes: { paddings, constantValue },
    })),
    {
      op: 'PadV2',
      inputs: { x: i32([2, 3]) },
      attributes: { paddings, constantValue: 2 ** 24 + 1 },
      except: { wasm: 'takes it for a float32' },
    },
    { op: 'Fill', inputs: {}, attributes: { shape: [3], value: PLUS } },
    { op: 'LeakyRelu', inputs: x, attributes: { alpha: -0.5 } },
    {
      op: 'RotateWithOffset',
      inputs: { image: f32([1, 3, 4, 3]) },
      attributes: { radians: -0.7, fillValue: [-1, 0.5, 300], center: [0.2, 0.9] },
      except: { wasm: 'takes fill values for unsigned integers' },
    },
    {
      op: 'FusedBatchNorm',
      inputs: { x: f32([2, 3]), mean: f32([3]), variance: f32([3], { min: 0.5 }) },
      attributes: {},
      except: { wasm: 'knows no default' },
    },
  ];
}

/** Indices outside their range where they have a meaning. */
function outsideIndices(): OpCase[] {
  return [
    {
      op: 'OneHot',
      inputs: { indices: i32([4], { values: [-1, 3, 0, 2 ** 30] }) },
      attributes: { dtype: 'int32', depth: 3, onValue: 5, offValue: -1 },
    },
    {
      op: 'UnsortedSegmentSum',
      inputs: { x: f32([4, 2]), segmentIds: i32([4], { values: [-1, 0, 2, 7] }) },
      attributes: { numSegments: 2 },
    },
    {
      op: 'Bincount',
      inputs: { x: i32([4], { values: [0, 9, 2, 2 ** 30] }), weights: f32([0]) },
      attributes: { size: 3 },
    },
  ];
}

function broadcasts(): OpCase[] {
  return [
    { op: 'Sub', inputs: { a: f32([4, 1, 3]), b: f32([2, 1, 2, 1]) }, attributes: {} },
    { op: 'Maximum', inputs: { a: i32([3, 1]), b: i32([1, 4]) }, attributes: {} },
    { op: 'Mod', inputs: { a: i32([3, 1], { min: 1 }), b: i32([1, 4], { min: 1 }) }, attributes: {} },
    {
      op: 'BatchMatMul',
      inputs: { a: f32([4, 1, 1, 1]), b: f32([4, 1, 3]) },
      attributes: PLAIN,
      except: {
        cpu: 'starts over with the first matrix where a batch ends',
        wasm: 'starts over with the first matrix where a batch ends',
      },
    },
    { op: 'Prelu', inputs: { x: f32([2, 3, 4]), alpha: f32([1, 1, 4]) }, attributes: {} },
    {
      op: 'Prelu',
      inputs: { x: f32([2, 3, 4]), alpha: f32([2, 1, 1]) },
      attributes: {},
      except: { wasm: 'knows weights along the last dimensions only' },
    },
  ];
}

export const edgeCases: CaseTable = () => [
  ...emptyOutputs(),
  ...emptyInputs(),
  ...oddNumbers(),
  ...outsideIndices(),
  ...broadcasts(),
];
