/** Random calls of ops that move elements: shapes, order, pieces, margins. */
import { elementCount } from '../../scheduler/tensor.js';
import { of, variadic } from '../support/op-case.js';
import type { Random } from '../support/random.js';
import {
  axes,
  axis,
  chance,
  type Draw,
  type Draws,
  dtype,
  flag,
  length,
  ordinary,
  positive,
  shape,
  shapeWithAxis,
} from './draw.js';

/** Another shape of as many elements. */
function regrouped(random: Random, places: readonly number[]): number[] {
  const merged = random.shuffle(places);
  while (merged.length > 1 && chance(random, 0.5)) merged.push(merged.pop()! * merged.pop()!);
  while (merged.length < 6 && chance(random, 0.3)) merged.splice(random.integer(0, merged.length), 0, 1);
  return merged;
}

const reshape: Draw = (random) => {
  const places = shape(random);
  const target = regrouped(random, places);
  const implied =
    chance(random, 0.3) && target.length > 0 ? target.with(random.integer(0, target.length - 1), -1) : target;
  return { inputs: { x: of(dtype(random), places) }, attributes: { shape: implied } };
};

const expandDims: Draw = (random) => {
  const places = shape(random, random.integer(0, 5));
  return {
    inputs: { input: of(dtype(random), places) },
    attributes: { dim: axis(random, places.length + 1) },
  };
};

const transpose: Draw = (random) => {
  const places = shape(random);
  const perm = random.shuffle(places.map((_, index) => index));
  return { inputs: { x: of(dtype(random), places) }, attributes: { perm } };
};

const reverse: Draw = (random) => {
  const places = shape(random);
  return { inputs: { x: of(dtype(random), places) }, attributes: { dims: axes(random, places.length) } };
};

function blocksAndMargins(random: Random) {
  const count = random.integer(1, 3);
  const blockShape = Array.from({ length: count }, () => positive(random, 3));
  const margins = blockShape.map(() => [random.integer(0, 2), random.integer(0, 2)]);
  return { count, blockShape, margins };
}

const spaceToBatch: Draw = (random) => {
  const { count, blockShape, margins } = blocksAndMargins(random);
  const spatial = blockShape.map((block, index) => {
    const [before, after] = margins[index] as [number, number];
    return Math.max(0, block * random.integer(1, 3) - before - after);
  });
  const places = [length(random), ...spatial, ...shape(random, random.integer(0, 5 - count))];
  return { inputs: { x: of(dtype(random), places) }, attributes: { blockShape, paddings: margins } };
};

const batchToSpace: Draw = (random) => {
  const { count, blockShape, margins } = blocksAndMargins(random);
  const spatial = blockShape.map(() => positive(random, 4));
  const rest = shape(random, random.integer(0, 5 - count)).map((size) => Math.min(size, 2));
  const places = [elementCount(blockShape) * random.integer(0, 2), ...spatial, ...rest];
  return { inputs: { x: of(dtype(random), places) }, attributes: { blockShape, crops: margins } };
};

const depthToSpace: Draw = (random) => {
  const blockSize = positive(random, 3);
  const depth = blockSize ** 2 * random.integer(0, 3);
  const dataFormat = random.pick(['NHWC', 'NHWC', 'NCHW']);
  const [batch, height, width] = [length(random), length(random), length(random)];
  const places = dataFormat === 'NHWC' ? [batch, height, width, depth] : [batch, depth, height, width];
  return { inputs: { x: of('float32', places) }, attributes: { blockSize, dataFormat } };
};

const diag: Draw = (random) => ({
  inputs: {
    x: of(
      dtype(random),
      shape(random, random.integer(0, 3)).map((size) => Math.min(size, 3)),
    ),
  },
  attributes: {},
});

const slice: Draw = (random) => {
  const places = shape(random);
  const begin = places.map((size) => random.integer(0, size));
  const size = places.map((whole, index) => random.pick([-1, random.integer(0, whole - begin[index]!)]));
  return { inputs: { x: of(dtype(random), places) }, attributes: { begin, size } };
};

/** A slice such as people write it, which has elements: `x[1, ::-2, 2:]`. */
const tidySlice: Draw = (random) => {
  const places = shapeWithAxis(random).map((size) => Math.max(1, size));
  const isDropped = places.map(() => chance(random, 0.3));
  const strides = isDropped.map((dropped) => (dropped ? 1 : random.pick([1, 2, 3, -1, -2])));
  const bits = (isSet: (index: number) => boolean) =>
    places.reduce((mask, _, index) => mask + (isSet(index) ? 2 ** index : 0), 0);
  return {
    inputs: { x: of(dtype(random), places) },
    attributes: {
      begin: places.map((size) => random.integer(-size, size - 1)),
      end: places.map(() => 0),
      strides,
      beginMask: bits((index) => !isDropped[index] && flag(random)),
      endMask: bits((index) => !isDropped[index]),
      ellipsisMask: 0,
      newAxisMask: 0,
      shrinkAxisMask: bits((index) => isDropped[index]!),
    },
  };
};

const stridedSlice: Draw = (random) => {
  if (flag(random)) return tidySlice(random);
  const places = shape(random);
  const count = random.integer(0, places.length);
  const bounds = () => places.slice(0, count).map((size) => random.integer(-size - 1, size + 1));
  const mask = () => (chance(random, 0.3) ? random.integer(0, 2 ** count - 1) : 0);
  const ellipsisMask = count > 0 && chance(random, 0.2) ? 2 ** random.integer(0, count - 1) : 0;
  const masks = { beginMask: mask(), endMask: mask(), newAxisMask: mask(), shrinkAxisMask: mask() };
  const strides = Array.from({ length: count }, () => random.pick([1, 1, 2, 3, -1, -2]));
  return {
    inputs: { x: of(dtype(random), places) },
    attributes: { begin: bounds(), end: bounds(), strides, ...masks, ellipsisMask },
  };
};

const concat: Draw = (random) => {
  const type = dtype(random);
  const places = shapeWithAxis(random);
  const along = random.integer(0, places.length - 1);
  const inputs = Array.from({ length: random.integer(1, 4) }, () =>
    of(type, places.with(along, length(random))),
  );
  return {
    inputs: variadic(inputs),
    attributes: { axis: along - (chance(random, 0.3) ? places.length : 0) },
  };
};

const pack: Draw = (random) => {
  const x = of(dtype(random), shape(random, random.integer(0, 5)));
  return {
    inputs: variadic(Array.from({ length: random.integer(1, 4) }, () => x)),
    attributes: { axis: axis(random, x.shape.length + 1) },
  };
};

const unpack: Draw = (random) => {
  const places = shapeWithAxis(random);
  return { inputs: { value: of(dtype(random), places) }, attributes: { axis: axis(random, places.length) } };
};

const splitV: Draw = (random) => {
  const sizes = Array.from({ length: random.integer(1, 4) }, () => length(random));
  const places = shapeWithAxis(random);
  const along = random.integer(0, places.length - 1);
  const whole = elementCount([sizes.reduce((sum, size) => sum + size, 0)]);
  const splits = random.pick([
    sizes,
    sizes,
    sizes.with(random.integer(0, sizes.length - 1), -1),
    sizes.length,
  ]);
  return {
    inputs: { x: of(dtype(random), places.with(along, typeof splits === 'number' ? splits * 2 : whole)) },
    attributes: { numOrSizeSplits: splits, axis: along },
  };
};

const tile: Draw = (random) => {
  const places = shape(random).map((size) => Math.min(size, 3));
  return {
    inputs: { x: of(dtype(random), places) },
    attributes: { reps: places.map(() => random.pick([1, 1, 2, 3, 0])) },
  };
};

const pad: Draw = (random) => {
  const places = shape(random).map((size) => Math.min(size, 3));
  return {
    inputs: { x: of(dtype(random), places) },
    attributes: {
      paddings: places.map(() => [random.integer(0, 2), random.integer(0, 2)]),
      constantValue: random.pick([0, ordinary(random), Number.NEGATIVE_INFINITY]),
    },
  };
};

const mirrorPad: Draw = (random) => {
  const places = shape(random).map((size) => Math.min(size, 3));
  return {
    inputs: { x: of(dtype(random), places) },
    attributes: {
      paddings: places.map((size) => [random.integer(0, size), random.integer(0, Math.max(0, size - 1))]),
      mode: random.pick(['reflect', 'symmetric']),
    },
  };
};

export const SHAPES: Draws = {
  BatchToSpaceND: batchToSpace,
  Concat: concat,
  DepthToSpace: depthToSpace,
  Diag: diag,
  ExpandDims: expandDims,
  MirrorPad: mirrorPad,
  Pack: pack,
  PadV2: pad,
  Reshape: reshape,
  Reverse: reverse,
  Slice: slice,
  SpaceToBatchND: spaceToBatch,
  SplitV: splitV,
  StridedSlice: stridedSlice,
  Tile: tile,
  Transpose: transpose,
  Unpack: unpack,
};
