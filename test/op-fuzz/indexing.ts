/** Random calls of ops that take indices, count, search, draw, or make tensors of attributes alone. */
import { i32, of } from '../support/op-case.js';
import type { Random } from '../support/random.js';
import {
  chance,
  type Draw,
  type Draws,
  dtype,
  flag,
  indexRows,
  indices,
  length,
  numeric,
  ordinary,
  positive,
  shape,
  shapeWithAxis,
} from './draw.js';

const gather: Draw = (random) => {
  const places = shapeWithAxis(random, 4);
  const batchDims = chance(random, 0.3) ? random.integer(0, places.length - 1) : 0;
  const axis = random.integer(batchDims, places.length - 1);
  const wanted = [...places.slice(0, batchDims), ...shape(random, random.integer(0, 2))];
  return {
    inputs: { x: of(dtype(random), places), indices: indices(random, wanted, places[axis]!) },
    attributes: { axis: axis - (chance(random, 0.2) ? places.length : 0), batchDims },
  };
};

const gatherNd: Draw = (random) => {
  const places = shapeWithAxis(random, 4);
  const depth = random.integer(0, places.length);
  const rows = shape(random, random.integer(0, 2));
  return {
    inputs: {
      params: of(dtype(random), places),
      indices: indexRows(random, rows, places.slice(0, depth)),
    },
    attributes: {},
  };
};

function scatter(random: Random) {
  const target = shapeWithAxis(random, 4);
  const depth = random.integer(1, target.length);
  const rows = shape(random, random.integer(1, 2));
  const isFlat = depth === 1 && chance(random, 0.3);
  const type = dtype(random);
  return {
    target,
    type,
    indices: isFlat
      ? indices(random, rows.slice(0, 1), target[0]!)
      : indexRows(random, rows, target.slice(0, depth)),
    updates: of(type, [...(isFlat ? rows.slice(0, 1) : rows), ...target.slice(depth)]),
  };
}

const scatterNd: Draw = (random) => {
  const { target, indices: at, updates } = scatter(random);
  return { inputs: { indices: at, updates }, attributes: { shape: target } };
};

const tensorScatterUpdate: Draw = (random) => {
  const { target, type, indices: at, updates } = scatter(random);
  return { inputs: { tensor: of(type, target), indices: at, updates }, attributes: {} };
};

const sparseToDense: Draw = (random) => {
  const outputShape = shapeWithAxis(random, 4);
  const count = length(random);
  const isFlat = outputShape.length === 1 && flag(random);
  const type = dtype(random);
  return {
    inputs: {
      sparseIndices: isFlat
        ? indices(random, [count], outputShape[0]!)
        : indexRows(random, [count], outputShape),
      sparseValues: of(type, chance(random, 0.2) ? [] : [count]),
      defaultValue: of(type, []),
    },
    attributes: { outputShape },
  };
};

const sparseReshape: Draw = (random) => {
  const from = shapeWithAxis(random, 3);
  const to = random.shuffle(from);
  const implied = chance(random, 0.5) ? to.with(random.integer(0, to.length - 1), -1) : to;
  return {
    inputs: {
      inputIndices: indexRows(random, [length(random)], from),
      inputShape: i32([from.length], { values: from }),
      newShape: i32([to.length], { values: implied }),
    },
    attributes: {},
  };
};

const oneHot: Draw = (random) => {
  const depth = random.integer(0, 5);
  return {
    inputs: { indices: indices(random, shape(random, random.integer(0, 4)), depth) },
    attributes: { dtype: dtype(random), depth, onValue: ordinary(random), offValue: ordinary(random) },
  };
};

const unsortedSegmentSum: Draw = (random) => {
  const places = shapeWithAxis(random, 4);
  const numSegments = positive(random);
  return {
    inputs: { x: of(numeric(random), places), segmentIds: indices(random, places.slice(0, 1), numSegments) },
    attributes: { numSegments },
  };
};

function counted(random: Random, rank: number) {
  const size = random.integer(0, 6);
  const x = indices(random, shape(random, rank), Math.max(1, size));
  return { x, weights: of(numeric(random), flag(random) ? x.shape : [0]), size };
}

const bincount: Draw = (random) => {
  const { x, weights, size } = counted(random, 1);
  return { inputs: { x, weights }, attributes: { size } };
};

const denseBincount: Draw = (random) => {
  const { x, weights, size } = counted(random, random.integer(1, 2));
  return { inputs: { x, weights }, attributes: { size, binaryOutput: flag(random) } };
};

const searchSorted: Draw = (random) => {
  const [rows, columns] = [length(random), length(random)];
  const type = numeric(random);
  const sorted = Array.from({ length: rows }, () =>
    Array.from({ length: columns }, () => random.integer(-4, 4)).sort((a, b) => a - b),
  );
  return {
    inputs: {
      sortedSequence: of(type, [rows, columns], { values: sorted.flat() }),
      values: of(type, [rows, length(random)]),
    },
    attributes: { side: random.pick(['left', 'right']) },
  };
};

const topK: Draw = (random) => {
  const places = shapeWithAxis(random, 4);
  return {
    inputs: { x: of(numeric(random), places) },
    attributes: { k: random.integer(0, places.at(-1)!), sorted: flag(random) },
  };
};

const multinomial: Draw = (random) => ({
  inputs: { logits: of('float32', shape(random, 2), { min: 0.1, max: 1 }) },
  attributes: { numSamples: random.integer(0, 5), seed: random.integer(0, 99), normalized: flag(random) },
});

const fill: Draw = (random) => ({
  inputs: {},
  attributes: { shape: shape(random), value: ordinary(random), dtype: dtype(random) },
});

const range: Draw = (random) => ({
  inputs: {},
  attributes: {
    start: ordinary(random),
    stop: random.integer(-9, 9),
    step: random.pick([1, -1, 0.5, 2.5, -2, ordinary(random)]),
    dtype: random.pick(['float32', 'int32']),
  },
});

const linSpace: Draw = (random) => ({
  inputs: {},
  attributes: { start: ordinary(random), stop: ordinary(random), num: random.integer(1, 20) },
});

const broadcastArgs: Draw = (random) => {
  const full = shape(random, random.integer(0, 4));
  const some = () => {
    const values = full.map((size) => (chance(random, 0.3) ? 1 : size)).slice(random.integer(0, full.length));
    return i32([values.length], { values });
  };
  return { inputs: { s0: some(), s1: some() }, attributes: {} };
};

export const INDEXING: Draws = {
  Bincount: bincount,
  BroadcastArgs: broadcastArgs,
  DenseBincount: denseBincount,
  Fill: fill,
  GatherNd: gatherNd,
  GatherV2: gather,
  LinSpace: linSpace,
  Multinomial: multinomial,
  OneHot: oneHot,
  Range: range,
  ScatterNd: scatterNd,
  SearchSorted: searchSorted,
  SparseReshape: sparseReshape,
  SparseToDense: sparseToDense,
  TensorScatterUpdate: tensorScatterUpdate,
  TopK: topK,
  UnsortedSegmentSum: unsortedSegmentSum,
};
