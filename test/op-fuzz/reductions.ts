/** Random calls of reductions, cumulations and normalizations. */
import { of } from '../support/op-case.js';
import type { Random } from '../support/random.js';
import {
  axes,
  axis,
  broadcasting,
  chance,
  type Draw,
  type Draws,
  dtype,
  flag,
  numeric,
  ordinary,
  shape,
  shapeWithAxis,
} from './draw.js';

function someAxes(random: Random, rank: number): null | number | number[] {
  return random.pick([null, axis(random, rank), axes(random, rank), axes(random, rank)]);
}

const reduction =
  (name: string, type = dtype): Draw =>
  (random) => {
    const places = shape(random);
    return {
      inputs: { x: of(type(random), places) },
      attributes: { [name]: someAxes(random, places.length), keepDims: flag(random) },
    };
  };

const argReduction: Draw = (random) => {
  const places = shapeWithAxis(random);
  return { inputs: { x: of(dtype(random), places) }, attributes: { axis: axis(random, places.length) } };
};

const cumulation: Draw = (random) => {
  const places = shapeWithAxis(random);
  return {
    inputs: { x: of(dtype(random), places) },
    attributes: {
      axis: random.integer(0, places.length - 1),
      exclusive: flag(random),
      reverse: flag(random),
    },
  };
};

const softmax: Draw = (random) => {
  const places = shapeWithAxis(random);
  return { inputs: { logits: of('float32', places) }, attributes: { dim: places.length - 1 } };
};

const fusedBatchNorm: Draw = (random) => {
  const places = shape(random);
  const shapes = [places.slice(-1), places, broadcasting(random, places)];
  const statistic = () => of('float32', random.pick(shapes));
  return {
    inputs: {
      x: of('float32', places),
      mean: statistic(),
      variance: { ...statistic(), min: 0.2 },
      ...(flag(random) && { scale: statistic() }),
      ...(flag(random) && { offset: statistic() }),
    },
    attributes: chance(random, 0.8) ? { varianceEpsilon: 0.001 } : {},
  };
};

const lrnAttributes = (random: Random) => ({
  depthRadius: random.integer(0, 5),
  bias: 1 + random.next(),
  alpha: random.next(),
  beta: ordinary(random),
});

const lrn: Draw = (random) => ({
  inputs: { x: of('float32', shape(random, 4)) },
  attributes: lrnAttributes(random),
});

const lrnGrad: Draw = (random) => {
  const x = of('float32', shape(random, 4));
  return { inputs: { x, y: x, dy: x }, attributes: lrnAttributes(random) };
};

const bool = () => 'bool' as const;

export const REDUCTIONS: Draws = {
  All: reduction('axis', bool),
  Any: reduction('axis', bool),
  ArgMax: argReduction,
  ArgMin: argReduction,
  Cumprod: cumulation,
  Cumsum: cumulation,
  FusedBatchNorm: fusedBatchNorm,
  LRN: lrn,
  LRNGrad: lrnGrad,
  Max: reduction('reductionIndices'),
  Mean: reduction('axis'),
  Min: reduction('axis'),
  Prod: reduction('axis', numeric),
  Softmax: softmax,
  Sum: reduction('axis'),
};
