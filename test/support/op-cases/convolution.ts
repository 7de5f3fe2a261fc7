/** Cases of convolutions and their gradients: padding rules, strides, dilations, layouts, activations. */
import { inferNode } from '../../../kernels/ops/index.js';
import type { Attributes } from '../../../scheduler/graph.js';
import type { Shape } from '../../../scheduler/tensor.js';
import { type CaseTable, f32, i32, type OpCase } from '../op-case.js';
import type { Random } from '../random.js';

const EXPLICIT_PAD = [
  [0, 0],
  [1, 2],
  [2, 1],
  [0, 0],
];

/** Strides and dilations of which one is 1, as the kernels demand. */
function steps(random: Random): { strides: Attributes[string]; dilations: Attributes[string] } {
  const value = random.pick([1, 2, [1, 2], [2, 2]]);
  return random.next() < 0.5 ? { strides: value, dilations: 1 } : { strides: [1, 1], dilations: value };
}

interface Convolution {
  readonly x: number[];
  readonly filter: number[];
  readonly attributes: Attributes;
}

function randomImage(random: Random): number[] {
  return [random.integer(1, 2), random.integer(5, 8), random.integer(5, 8), random.integer(1, 3)];
}

/** TensorFlow.js pads by a number only for square windows. */
function convolutions(random: Random): Convolution[] {
  const oblong = (least: number) => [
    random.integer(least, 3),
    random.integer(least, 3),
    0,
    random.integer(1, 3),
  ];
  const side = random.integer(1, 3);
  const [strides, dilations] = random.shuffle([1, random.integer(1, 2)]) as [number, number];
  return [
    ...['same', 'valid'].map((pad) => ({
      x: randomImage(random),
      filter: oblong(pad === 'same' ? 2 : 1),
      attributes: { ...steps(random), pad, dataFormat: 'NHWC' },
    })),
    {
      x: randomImage(random),
      filter: [side, side, 0, 2],
      attributes: { strides, dilations, pad: 1, dataFormat: 'NHWC' },
    },
    {
      x: randomImage(random),
      filter: oblong(1),
      attributes: { ...steps(random), pad: EXPLICIT_PAD, dataFormat: 'NHWC' },
    },
  ];
}

/** The filter's third length is the number of input channels. */
function filterShape({ x, filter }: Convolution): number[] {
  return filter.with(2, x[3]!);
}

function outShape(op: string, x: Shape, filter: Shape, attributes: Attributes): Shape {
  return inferNode(op, { x: f32(x), filter: f32(filter) }, attributes, 'case').outputs[0]!.shape;
}

function forwardCases(random: Random): OpCase[] {
  return ['Conv2D', 'DepthwiseConv2dNative'].flatMap((op) =>
    convolutions(random).map((convolution) => ({
      op,
      inputs: { x: f32(convolution.x), filter: f32(filterShape(convolution)) },
      attributes: convolution.attributes,
    })),
  );
}

function specialCases(): OpCase[] {
  const attributes = { strides: 1, dilations: 1, pad: 'valid', dataFormat: 'NCHW' };
  const except = { wasm: 'throws for NCHW' };
  const inputs = { x: f32([1, 2, 5, 6]), filter: f32([3, 2, 2, 4]) };
  const rounded = { strides: 2, dilations: 1, pad: 1, dimRoundingMode: 'ceil', dataFormat: 'NHWC' };
  return [
    { op: 'Conv2D', inputs, attributes, except },
    {
      op: 'FusedConv2D',
      inputs: { ...inputs, bias: f32([4]) },
      attributes: { ...attributes, activation: 'relu' },
      except,
    },
    {
      op: 'Conv2D',
      inputs: { x: f32([1, 6, 6, 2]), filter: f32([3, 3, 2, 2]) },
      attributes: rounded,
      except: { wasm: 'rounds output lengths down' },
    },
    {
      op: 'Conv2D',
      inputs: { x: f32([1, 8, 8, 2]), filter: f32([1, 3, 2, 2]) },
      attributes: { strides: 2, dilations: 1, pad: 'same', dataFormat: 'NHWC' },
      except: { wasm: 'leaves zeros when one side of the filter alone is shorter than its stride' },
    },
  ];
}

const ACTIVATIONS = ['linear', 'relu', 'relu6', 'elu', 'prelu', 'leakyrelu', 'sigmoid'] as const;

function fusedCases(random: Random): OpCase[] {
  return ['FusedConv2D', 'FusedDepthwiseConv2D'].flatMap((op) =>
    ACTIVATIONS.map((activation) => {
      const convolution = random.pick(convolutions(random));
      const { x } = convolution;
      const filter = filterShape(convolution);
      const channels = op === 'FusedConv2D' ? filter[3]! : filter[2]! * filter[3]!;
      const inputs = {
        x: f32(x),
        filter: f32(filter),
        ...(random.next() < 0.7 && { bias: f32([channels]) }),
        ...(activation === 'prelu' && { preluActivationWeights: f32([channels]) }),
      };
      const alpha = activation === 'leakyrelu' ? { leakyreluAlpha: 0.3 } : {};
      const attributes = { ...convolution.attributes, activation, ...alpha };
      return { op, inputs, attributes };
    }),
  );
}

function gradientCases(random: Random): OpCase[] {
  return ['Conv2D', 'DepthwiseConv2dNative'].flatMap((op) =>
    convolutions(random).flatMap((convolution) => {
      const { x } = convolution;
      const filter = filterShape(convolution);
      const attributes = { ...convolution.attributes, dilations: 1 };
      const dy = f32(outShape(op, x, filter, attributes));
      const prefix = `${op}Backprop`;
      return [
        {
          op: `${prefix}Input`,
          inputs: { dy, filter: f32(filter) },
          attributes: { ...attributes, inputShape: x },
        },
        {
          op: `${prefix}Filter`,
          inputs: { x: f32(x), dy },
          attributes: { ...attributes, filterShape: filter },
        },
      ];
    }),
  );
}

function conv3dCases(random: Random): OpCase[] {
  return ['same', 'valid'].flatMap((pad) =>
    [1, random.pick([2, [1, 2, 1]])].flatMap((strides) => {
      const channels = random.integer(1, 3);
      const [depth, height, width] = [random.integer(4, 5), random.integer(4, 5), random.integer(4, 5)];
      const x = [random.integer(1, 2), depth, height, width, channels];
      const filter = [random.integer(1, 3), random.integer(1, 3), 2, channels, random.integer(1, 3)];
      const attributes = { strides, pad, dataFormat: 'NDHWC' };
      const forward = { ...attributes, dilations: 1 };
      const dy = f32(outShape('Conv3D', x, filter, forward));
      const except = { except: { wasm: 'leaves windows out' } };
      return [
        { op: 'Conv3D', inputs: { x: f32(x), filter: f32(filter) }, attributes: forward },
        {
          op: 'Conv3DBackpropInputV2',
          inputs: { dy, filter: f32(filter) },
          attributes: { ...attributes, inputShape: x },
          ...except,
        },
        {
          op: 'Conv3DBackpropFilterV2',
          inputs: { x: f32(x), dy },
          attributes: { ...attributes, filterShape: filter },
          ...except,
        },
      ];
    }),
  );
}

const POSITIVE = { min: 0.1 };
const NEGATIVE = { max: -0.1 };
const STARTS_ABOVE_ZERO = { wasm: 'takes the least positive float for the least float' };

function dilationCases(random: Random): OpCase[] {
  return ['same', 'valid'].flatMap((pad) =>
    [POSITIVE, NEGATIVE].flatMap((range) => {
      const channels = random.integer(1, 3);
      const x = f32([random.integer(1, 2), random.integer(5, 7), random.integer(5, 7), channels], range);
      const filter = f32([random.integer(1, 3), random.integer(1, 3), channels], range);
      const attributes = { ...steps(random), pad };
      const dy = f32(outShape('Dilation2D', x.shape, filter.shape, attributes));
      const except = range === NEGATIVE ? { except: STARTS_ABOVE_ZERO } : {};
      return [
        { op: 'Dilation2D', inputs: { x, filter }, attributes, ...except },
        { op: 'Dilation2DBackpropInput', inputs: { x, filter, dy }, attributes, ...except },
        { op: 'Dilation2DBackpropFilter', inputs: { x, filter, dy }, attributes, ...except },
      ];
    }),
  );
}

function integerDilation(): OpCase {
  return {
    op: 'Dilation2D',
    inputs: { x: i32([1, 5, 5, 2]), filter: i32([2, 2, 2]) },
    attributes: { strides: 1, dilations: 1, pad: 'same' },
  };
}

export const convolutionCases: CaseTable = (random) => [
  ...forwardCases(random),
  ...specialCases(),
  ...fusedCases(random),
  ...gradientCases(random),
  ...conv3dCases(random),
  ...dilationCases(random),
  integerDilation(),
];
