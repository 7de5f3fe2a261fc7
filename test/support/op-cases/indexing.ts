/** Cases of ops that read or write at indices, count, search and draw. */
import { bool, type CaseTable, f32, i32, type OpCase, of, randomShape } from '../op-case.js';
import type { Random } from '../random.js';

const NUMERIC = ['float32', 'int32'] as const;

function gatherCases(random: Random): OpCase[] {
  return NUMERIC.flatMap((dtype) => {
    const shape = randomShape(random, 3);
    const axis = random.integer(0, 2);
    const range = { min: 0, max: shape[axis]! - 1 };
    const x = of(dtype, shape);
    return [
      ...[1, 2].map((rank) => ({
        op: 'GatherV2',
        inputs: { x, indices: i32(randomShape(random, rank), range) },
        attributes: { axis, batchDims: 0 },
      })),
      {
        op: 'GatherV2',
        inputs: { x, indices: i32([shape[0]!, 2], { min: 0, max: shape[1]! - 1 }) },
        attributes: { axis: 1, batchDims: 1 },
        except: { wasm: 'gathers from other batches' },
      },
    ];
  });
}

function gatherNdCases(random: Random): OpCase[] {
  const shape = [3, 3, 4];
  return [1, 2, 3].map((depth) => ({
    op: 'GatherNd',
    inputs: { params: f32(shape), indices: i32([...randomShape(random, depth), depth], { min: 0, max: 2 }) },
    attributes: {},
  }));
}

function scatterCases(random: Random): OpCase[] {
  return NUMERIC.flatMap((dtype) => {
    const places = random.integer(1, 3);
    const updates = of(dtype, [places, 4]);
    const indices = i32([places, 1], { values: [2, 0, 1] });
    return [
      { op: 'ScatterNd', inputs: { indices, updates }, attributes: { shape: [3, 4] } },
      {
        op: 'TensorScatterUpdate',
        inputs: { tensor: of(dtype, [3, 4]), indices, updates },
        attributes: {},
      },
    ];
  });
}

function sparseCases(): OpCase[] {
  const indices = i32([3, 2], { values: [0, 0, 1, 2, 2, 3] });
  return [
    {
      op: 'SparseToDense',
      inputs: { sparseIndices: indices, sparseValues: f32([3]), defaultValue: f32([]) },
      attributes: { outputShape: [3, 4] },
    },
    {
      op: 'SparseToDense',
      inputs: { sparseIndices: i32([2], { values: [1, 3] }), sparseValues: i32([2]), defaultValue: i32([]) },
      attributes: { outputShape: [5] },
    },
    {
      op: 'SparseToDense',
      inputs: { sparseIndices: indices, sparseValues: bool([3]), defaultValue: bool([]) },
      attributes: { outputShape: [3, 4] },
    },
    {
      op: 'SparseReshape',
      inputs: {
        inputIndices: indices,
        inputShape: i32([2], { values: [3, 4] }),
        newShape: i32([3], { values: [2, -1, 2] }),
      },
      attributes: {},
    },
  ];
}

function oneHotCases(random: Random): OpCase[] {
  return ['float32', 'int32'].flatMap((dtype) => {
    const depth = random.integer(1, 5);
    return [0, 1, 2].map((rank) => ({
      op: 'OneHot',
      inputs: { indices: i32(randomShape(random, rank), { min: 0, max: depth - 1 }) },
      attributes: { dtype, depth, onValue: 1, offValue: 0 },
      ...(dtype === 'float32' && { except: { wasm: 'writes the bits of integers' } }),
    }));
  });
}

function segmentCases(random: Random): OpCase[] {
  const numSegments = random.integer(1, 4);
  return NUMERIC.map((dtype) => {
    const shape = randomShape(random, 3);
    const segmentIds = i32(shape.slice(0, 1), { min: 0, max: numSegments - 1 });
    return {
      op: 'UnsortedSegmentSum',
      inputs: { x: of(dtype, shape), segmentIds },
      attributes: { numSegments },
    };
  });
}

function countCases(random: Random): OpCase[] {
  const size = random.integer(3, 6);
  const range = { min: 0, max: size };
  const x = i32(randomShape(random, 1), range);
  const rows = i32(randomShape(random, 2), range);
  return [
    { op: 'Bincount', inputs: { x, weights: f32(x.shape) }, attributes: { size } },
    { op: 'Bincount', inputs: { x, weights: i32([0]) }, attributes: { size } },
    { op: 'DenseBincount', inputs: { x, weights: f32([0]) }, attributes: { size, binaryOutput: false } },
    {
      op: 'DenseBincount',
      inputs: { x, weights: f32([0]) },
      attributes: { size, binaryOutput: true },
      except: { cpu: 'counts vectors whatever binaryOutput says' },
    },
    {
      op: 'DenseBincount',
      inputs: { x: rows, weights: f32(rows.shape) },
      attributes: { size, binaryOutput: false },
    },
    { op: 'DenseBincount', inputs: { x: rows, weights: i32([0]) }, attributes: { size, binaryOutput: true } },
  ];
}

function searchCases(random: Random): OpCase[] {
  return ['left', 'right'].flatMap((side) =>
    NUMERIC.map((dtype) => ({
      op: 'SearchSorted',
      inputs: {
        sortedSequence: of(dtype, [2, 4], { values: [-3, 0, 1, 4, -5, -1, 2, 2] }),
        values: of(dtype, [2, random.integer(1, 4)]),
      },
      attributes: { side },
    })),
  );
}

function topCases(random: Random): OpCase[] {
  return NUMERIC.flatMap((dtype) =>
    [1, 2, 3].map((rank) => {
      const shape = [...randomShape(random, rank - 1), 7];
      return {
        op: 'TopK',
        inputs: { x: of(dtype, shape) },
        attributes: { k: random.integer(1, 7), sorted: true },
      };
    }),
  );
}

function drawCases(random: Random): OpCase[] {
  const logits = f32([random.integer(1, 3), random.integer(2, 4)], { min: 0.1, max: 0.4 });
  return [true, false].map((normalized) => ({
    op: 'Multinomial',
    inputs: { logits },
    attributes: { numSamples: random.integer(1, 5), seed: 7, normalized },
    randomValues: true,
  }));
}

export const indexingCases: CaseTable = (random) => [
  ...gatherCases(random),
  ...gatherNdCases(random),
  ...scatterCases(random),
  ...sparseCases(),
  ...oneHotCases(random),
  ...segmentCases(random),
  ...countCases(random),
  ...searchCases(random),
  ...topCases(random),
  ...drawCases(random),
];
