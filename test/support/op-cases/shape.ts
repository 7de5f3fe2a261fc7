/** Cases of ops that reshape, reorder, cut and join tensors, and of those that make them from attributes. */
import { type CaseTable, f32, i32, type OpCase, of, randomShape, variadic } from '../op-case.js';
import type { Random } from '../random.js';

const ALL = ['float32', 'int32', 'bool'] as const;

function viewCases(random: Random): OpCase[] {
  const shape = randomShape(random, 3);
  const [a, b, c] = shape as [number, number, number];
  const x = { x: f32(shape) };
  return [
    { op: 'Reshape', inputs: x, attributes: { shape: [a * b, c] } },
    { op: 'Reshape', inputs: x, attributes: { shape: [c, -1] } },
    { op: 'Reshape', inputs: { x: i32([1, 1]) }, attributes: { shape: [] } },
    ...[0, 1, 3, -1, -4].map((dim) => ({
      op: 'ExpandDims',
      inputs: { input: f32(shape) },
      attributes: { dim },
    })),
  ];
}

function orderCases(random: Random): OpCase[] {
  return ALL.flatMap((dtype) =>
    [1, 2, 3, 4].map((rank) => {
      const axes = Array.from({ length: rank }, (_, axis) => axis);
      return {
        op: 'Transpose',
        inputs: { x: of(dtype, randomShape(random, rank)) },
        attributes: { perm: random.shuffle(axes) },
      };
    }),
  );
}

function reverseCases(random: Random): OpCase[] {
  const x = { x: f32(randomShape(random, 3)) };
  return [0, -1, [0, 2], [1]].map((dims) => ({ op: 'Reverse', inputs: x, attributes: { dims } }));
}

function blockCases(random: Random): OpCase[] {
  const batch = random.integer(1, 2);
  const depth = random.integer(1, 3);
  return [
    {
      op: 'SpaceToBatchND',
      inputs: { x: f32([batch, 4, 5, depth]) },
      attributes: {
        blockShape: [2, 3],
        paddings: [
          [0, 0],
          [1, 0],
        ],
      },
    },
    {
      op: 'SpaceToBatchND',
      inputs: { x: f32([batch, 6, 2]) },
      attributes: { blockShape: [2], paddings: [[1, 1]] },
    },
    {
      op: 'BatchToSpaceND',
      inputs: { x: f32([6 * batch, 2, 2, depth]) },
      attributes: {
        blockShape: [2, 3],
        crops: [
          [0, 1],
          [1, 1],
        ],
      },
    },
    {
      op: 'DepthToSpace',
      inputs: { x: f32([batch, 2, 3, 4 * depth]) },
      attributes: { blockSize: 2, dataFormat: 'NHWC' },
    },
    {
      op: 'DepthToSpace',
      inputs: { x: f32([batch, 4 * depth, 2, 3]) },
      attributes: { blockSize: 2, dataFormat: 'NCHW' },
      except: { cpu: 'throws for NCHW' },
    },
    { op: 'Diag', inputs: { x: f32(randomShape(random, 1)) }, attributes: {} },
    { op: 'Diag', inputs: { x: i32(randomShape(random, 2)) }, attributes: {} },
  ];
}

function sliceCases(random: Random): OpCase[] {
  return ALL.flatMap((dtype) =>
    [1, 2, 3, 4].map((rank) => {
      const shape = randomShape(random, rank);
      const begin = shape.map((length) => random.integer(0, length - 1));
      const size = shape.map((length, axis) => random.pick([-1, random.integer(1, length - begin[axis]!)]));
      return { op: 'Slice', inputs: { x: of(dtype, shape) }, attributes: { begin, size } };
    }),
  );
}

const NO_MASKS = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };

function stridedSliceCases(): OpCase[] {
  const x = { x: f32([4, 5, 6]) };
  const wholes = [
    { begin: [1, 0, 2], end: [3, 5, 6], strides: [1, 2, 3] },
    { begin: [-1, 4, 0], end: [0, 0, 6], strides: [-1, -2, 1] },
    { begin: [0, 1], end: [4, 2], strides: [1, 1], shrinkAxisMask: 2 },
    { begin: [0, 0], end: [0, 3], strides: [1, 1], ellipsisMask: 1 },
    { begin: [0, 1], end: [0, 3], strides: [1, 1], newAxisMask: 1 },
    { begin: [2, 2, 2], end: [3, 3, 3], strides: [1, 2, 1], beginMask: 3, endMask: 5 },
    { begin: [0], end: [4], strides: [1] },
  ];
  return wholes.map((attributes) => ({
    op: 'StridedSlice',
    inputs: x,
    attributes: { ...NO_MASKS, ...attributes },
  }));
}

function integerStridedSlice(): OpCase {
  return {
    op: 'StridedSlice',
    inputs: { x: i32([4, 5]) },
    attributes: { ...NO_MASKS, begin: [0, 0], end: [4, 5], strides: [2, 2] },
    except: { wasm: 'gives float32, where cpu gives int32' },
  };
}

function joinCases(random: Random): OpCase[] {
  return ALL.flatMap((dtype) => {
    const rank = random.integer(1, 4);
    const shape = randomShape(random, rank);
    const axis = random.integer(0, rank - 1);
    const lengths = Array.from({ length: random.integer(2, 3) }, () => random.integer(1, 3));
    return [
      {
        op: 'Concat',
        inputs: variadic(lengths.map((length) => of(dtype, shape.with(axis, length)))),
        attributes: { axis },
      },
      {
        op: 'Pack',
        inputs: variadic(lengths.map(() => of(dtype, shape))),
        attributes: { axis: random.integer(0, rank) },
      },
      { op: 'Unpack', inputs: { value: of(dtype, shape) }, attributes: { axis } },
    ];
  });
}

/** One input, and empty ones. */
function degenerateJoinCases(): OpCase[] {
  return [
    { op: 'Concat', inputs: variadic([f32([2, 3])]), attributes: { axis: -1 } },
    { op: 'Concat', inputs: variadic([f32([0, 3]), f32([2, 3])]), attributes: { axis: 0 } },
    { op: 'Concat', inputs: variadic([f32([2, 0]), f32([2, 0])]), attributes: { axis: 1 } },
    { op: 'Pack', inputs: variadic([f32([])]), attributes: { axis: 0 } },
  ];
}

function splitCases(random: Random): OpCase[] {
  const x = { x: f32([...randomShape(random, 1), 6]) };
  return [2, [1, 2, 3], [4, -1]].map((numOrSizeSplits) => ({
    op: 'SplitV',
    inputs: x,
    attributes: { numOrSizeSplits, axis: random.pick([1, -1]) },
  }));
}

function growCases(random: Random): OpCase[] {
  return [1, 2, 3, 4].flatMap((rank) => {
    const shape = randomShape(random, rank);
    const paddings = shape.map(() => [random.integer(0, 2), random.integer(0, 2)]);
    const mirrored = shape.map((length) => [random.integer(0, length - 1), random.integer(0, length - 1)]);
    const mode = random.pick(['reflect', 'symmetric']);
    const reps = shape.map(() => random.integer(1, 3));
    return [
      { op: 'PadV2', inputs: { x: f32(shape) }, attributes: { paddings, constantValue: 0 } },
      { op: 'PadV2', inputs: { x: i32(shape) }, attributes: { paddings, constantValue: 3 } },
      { op: 'MirrorPad', inputs: { x: f32(shape) }, attributes: { paddings: mirrored, mode } },
      { op: 'Tile', inputs: { x: f32(shape) }, attributes: { reps } },
      { op: 'Tile', inputs: { x: i32(shape) }, attributes: { reps } },
    ];
  });
}

function generatorCases(random: Random): OpCase[] {
  const ranges = [
    [0, 5, 1],
    [1, 9, 2.5],
    [5, 0, -1],
    [5, 0, 1],
    [3, 3, 1],
    [0, 4, -1],
  ] as const;
  return [
    { op: 'Fill', inputs: {}, attributes: { shape: randomShape(random, 2), value: 1.5, dtype: 'float32' } },
    { op: 'Fill', inputs: {}, attributes: { shape: [3], value: 1, dtype: 'bool' } },
    { op: 'Fill', inputs: {}, attributes: { shape: [], value: 2, dtype: 'int32' } },
    { op: 'Fill', inputs: {}, attributes: { shape: [2], value: 2 } },
    ...ranges.flatMap(([start, stop, step]) =>
      ['float32', 'int32'].map((dtype) => ({
        op: 'Range',
        inputs: {},
        attributes: { start, stop, step, dtype },
      })),
    ),
    { op: 'LinSpace', inputs: {}, attributes: { start: 0, stop: 3, num: random.integer(2, 9) } },
    {
      op: 'BroadcastArgs',
      inputs: { s0: i32([3], { values: [2, 1, 4] }), s1: i32([2], { values: [3, 1] }) },
      attributes: {},
    },
  ];
}

export const shapeCases: CaseTable = (random) => [
  ...viewCases(random),
  ...orderCases(random),
  ...reverseCases(random),
  ...blockCases(random),
  ...sliceCases(random),
  ...stridedSliceCases(),
  integerStridedSlice(),
  ...joinCases(random),
  ...degenerateJoinCases(),
  ...splitCases(random),
  ...growCases(random),
  ...generatorCases(random),
];
