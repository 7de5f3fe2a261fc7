/** Random calls of convolutions, pools, dilations and their gradients. */
import { inferNode } from '../../kernels/ops/index.js';
import type { AttributeValue } from '../../scheduler/graph.js';
import type { Shape } from '../../scheduler/tensor.js';
import { type CaseInput, f32, of } from '../support/op-case.js';
import type { Random } from '../support/random.js';
import {
  broadcasting,
  type Call,
  chance,
  type Draw,
  type Draws,
  flag,
  length,
  numeric,
  positive,
  tuple,
} from './draw.js';

type Attributes = Record<string, AttributeValue>;

const ACTIVATIONS = ['linear', 'relu', 'relu6', 'elu', 'prelu', 'leakyrelu', 'sigmoid'] as const;

/** A side of an image: 0 seldom. */
const side = (random: Random) => (chance(random, 0.03) ? 0 : positive(random, 7));

function image(random: Random, dimensions = 2): number[] {
  const spatial = Array.from({ length: dimensions }, () => side(random));
  return [chance(random, 0.04) ? 0 : positive(random, 2), ...spatial, length(random)];
}

function pad(random: Random, isUniform: boolean): AttributeValue {
  const margin = () => [random.integer(0, 2), random.integer(0, 2)];
  const explicit = [[0, 0], margin(), margin(), [0, 0]];
  return random.pick(['same', 'same', 'valid', 'valid', random.integer(0, 2), isUniform ? 'same' : explicit]);
}

/** Strides and dilations of which one is 1 most of the time, as most kernels demand. */
function steps(random: Random, dimensions = 2): Attributes {
  const step = () => random.pick([1, 1, 2, 3]);
  const strides = tuple(random, dimensions, step);
  return { strides, dilations: chance(random, 0.7) ? 1 : tuple(random, dimensions, step) };
}

function rounding(random: Random): Attributes {
  return chance(random, 0.2) ? { dimRoundingMode: random.pick(['floor', 'round', 'ceil']) } : {};
}

function convolutionAttributes(random: Random): Attributes {
  return { ...steps(random), ...rounding(random), pad: pad(random, false), dataFormat: 'NHWC' };
}

/** What the op gives for these, or something else where it takes none of them. */
function resultShape(op: string, inputs: Call['inputs'], attributes: Attributes): Shape {
  try {
    return inferNode(op, inputs, attributes, 'forward').outputs[0]!.shape;
  } catch {
    return [1, 2, 2, 1];
  }
}

interface Convolution {
  readonly x: CaseInput;
  readonly filter: CaseInput;
  readonly attributes: Attributes;
}

function convolution(random: Random): Convolution {
  const x = image(random);
  const filter = [positive(random, 4), positive(random, 4), x[3]!, length(random)];
  const attributes = convolutionAttributes(random);
  if (chance(random, 0.1)) {
    const [batch, height, width, channels] = x as [number, number, number, number];
    return {
      x: f32([batch, channels, height, width]),
      filter: f32(filter),
      attributes: { ...attributes, dataFormat: 'NCHW' },
    };
  }
  return { x: f32(x), filter: f32(filter), attributes };
}

const forward: Draw = (random) => {
  const { x, filter, attributes } = convolution(random);
  return { inputs: { x, filter }, attributes };
};

const fused =
  (plain: string): Draw =>
  (random) => {
    const { x, filter, attributes } = convolution(random);
    const out = resultShape(plain, { x, filter }, attributes);
    const perChannel = () => f32(random.pick([out.slice(-1), out.slice(-1), broadcasting(random, out)]));
    const activation = random.pick(ACTIVATIONS);
    return {
      inputs: {
        x,
        filter,
        ...(flag(random) && { bias: perChannel() }),
        ...((activation === 'prelu' || chance(random, 0.05)) && { preluActivationWeights: perChannel() }),
      },
      attributes: { ...attributes, activation, leakyreluAlpha: 0.3 },
    };
  };

/** Gradients get no dilations. */
const gradient =
  (plain: string, of: 'x' | 'filter'): Draw =>
  (random) => {
    const { x, filter, attributes } = convolution(random);
    const undilated: Attributes = { ...attributes, dilations: 1 };
    const dy = f32(resultShape(plain, { x, filter }, undilated));
    return of === 'x'
      ? { inputs: { dy, filter }, attributes: { ...undilated, inputShape: [...x.shape] } }
      : { inputs: { x, dy }, attributes: { ...undilated, filterShape: [...filter.shape] } };
  };

function convolution3d(random: Random): Convolution {
  const x = image(random, 3).map((size, index) => (index > 0 && index < 4 ? Math.min(size, 4) : size));
  const filter = [positive(random, 3), positive(random, 3), positive(random, 3), x[4]!, positive(random, 3)];
  const attributes = { ...steps(random, 3), pad: pad(random, true), dataFormat: 'NDHWC' };
  return { x: f32(x), filter: f32(filter), attributes };
}

const forward3d: Draw = (random) => {
  const { x, filter, attributes } = convolution3d(random);
  return { inputs: { x, filter }, attributes };
};

const gradient3d =
  (of: 'x' | 'filter'): Draw =>
  (random) => {
    const { x, filter, attributes } = convolution3d(random);
    const dy = f32(resultShape('Conv3D', { x, filter }, { ...attributes, dilations: 1 }));
    return of === 'x'
      ? { inputs: { dy, filter }, attributes: { ...attributes, inputShape: [...x.shape] } }
      : { inputs: { x, dy }, attributes: { ...attributes, filterShape: [...filter.shape] } };
  };

function dilationCall(random: Random): Call {
  const type = numeric(random);
  const x = of(type, image(random));
  const filter = of(type, [positive(random, 3), positive(random, 3), x.shape[3]!]);
  return { inputs: { x, filter }, attributes: { ...steps(random), pad: pad(random, true) } };
}

const dilationGradient: Draw = (random) => {
  const { inputs, attributes } = dilationCall(random);
  const dy = { ...inputs['x']!, shape: resultShape('Dilation2D', inputs, attributes) };
  return { inputs: { ...inputs, dy }, attributes };
};

function poolAttributes(random: Random, dimensions: number): Attributes {
  return {
    filterSize: tuple(random, dimensions, () => positive(random, 4)),
    strides: tuple(random, dimensions, () => positive(random, 3)),
    pad: pad(random, dimensions === 3),
    ...rounding(random),
    ...(dimensions === 3 && { dataFormat: 'NDHWC' }),
  };
}

function poolCall(random: Random, dimensions: number): Call {
  const places = image(random, dimensions).map((size) => (dimensions === 3 ? Math.min(size, 4) : size));
  const range = flag(random) ? {} : { max: -0.1 };
  return { inputs: { x: f32(places, range) }, attributes: poolAttributes(random, dimensions) };
}

const pool =
  (dimensions: number): Draw =>
  (random) =>
    poolCall(random, dimensions);

const maxPool: Draw = (random) => {
  const { inputs, attributes } = poolCall(random, 2);
  return { inputs: { x: { ...inputs['x']!, dtype: numeric(random) } }, attributes };
};

const maxPoolWithArgmax: Draw = (random) => {
  const { inputs, attributes } = maxPool(random);
  return { inputs, attributes: { ...attributes, includeBatchInIndex: flag(random) } };
};

const poolGradient =
  (plain: string, dimensions: number, withOutput: boolean): Draw =>
  (random) => {
    const { inputs, attributes } = poolCall(random, dimensions);
    const dy = f32(resultShape(plain, inputs, attributes));
    return { inputs: { dy, input: inputs['x']!, ...(withOutput && { output: dy }) }, attributes };
  };

export const WINDOWS: Draws = {
  AvgPool: pool(2),
  AvgPool3D: pool(3),
  AvgPool3DGrad: poolGradient('AvgPool3D', 3, false),
  AvgPoolGrad: poolGradient('AvgPool', 2, false),
  Conv2D: forward,
  Conv2DBackpropFilter: gradient('Conv2D', 'filter'),
  Conv2DBackpropInput: gradient('Conv2D', 'x'),
  Conv3D: forward3d,
  Conv3DBackpropFilterV2: gradient3d('filter'),
  Conv3DBackpropInputV2: gradient3d('x'),
  DepthwiseConv2dNative: forward,
  DepthwiseConv2dNativeBackpropFilter: gradient('DepthwiseConv2dNative', 'filter'),
  DepthwiseConv2dNativeBackpropInput: gradient('DepthwiseConv2dNative', 'x'),
  Dilation2D: dilationCall,
  Dilation2DBackpropFilter: dilationGradient,
  Dilation2DBackpropInput: dilationGradient,
  FusedConv2D: fused('Conv2D'),
  FusedDepthwiseConv2D: fused('DepthwiseConv2dNative'),
  MaxPool: maxPool,
  MaxPool3D: pool(3),
  MaxPool3DGrad: poolGradient('MaxPool3D', 3, true),
  MaxPoolGrad: poolGradient('MaxPool', 2, true),
  MaxPoolWithArgmax: maxPoolWithArgmax,
};
