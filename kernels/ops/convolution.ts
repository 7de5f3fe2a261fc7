/** 2-D convolutions, their gradients, and morphological dilation. */
import { backend_util } from '@tensorflow/tfjs-core';
import type { Attributes } from '../../scheduler/graph.js';
import { elementCount, type Shape, type TensorSpec } from '../../scheduler/tensor.js';
import { checkFusion, FUSED_INPUTS } from './activation.js';
import { hasAttribute, integersAttribute, pairAttribute } from './attributes.js';
import { expect } from './mistake.js';
import type { InputSpecs, OpDefinition } from './op.js';
import {
  expectDType,
  expectSameDType,
  expectShape,
  FLOAT,
  NUMERIC,
  type Shape4,
  shape3,
  shape4,
  spec,
} from './specs.js';
import {
  expectChannelsLast,
  expectConsistentWindow,
  expectReach2d,
  layoutAttribute,
  padAttribute,
  roundingAttribute,
  uniformPadAttribute,
} from './window.js';

type ConvInfo = backend_util.Conv2DInfo;

function shapeAttribute(attributes: Attributes, name: string): Shape4 {
  return integersAttribute(attributes, name, 0, 4) as Shape4;
}

function expectFloat(inputs: InputSpecs): void {
  for (const [name, input] of Object.entries(inputs)) expectDType(input, name, FLOAT);
}

function expectChannels(info: ConvInfo, filter: Shape): void {
  expect(info.inChannels === filter[2], `filter for ${info.inChannels} input channels`, filter);
}

/** A convolution whose kernels know both layouts; gradients do not dilate. */
function conv2dInfo(x: Shape4, filter: Shape4, attributes: Attributes, dilations: number | [number, number]) {
  const strides = pairAttribute(attributes, 'strides');
  const rounding = roundingAttribute(attributes);
  const layout = layoutAttribute(attributes);
  const pad = padAttribute(attributes);
  const info = backend_util.computeConv2DInfo(x, filter, strides, dilations, pad, rounding, false, layout);
  expectChannels(info, filter);
  expectReach2d(info);
  expectConsistentWindow(info, attributes);
  return info;
}

/** A depthwise convolution: channels last, and strides or dilations must be 1. */
function depthwiseInfo(x: Shape4, filter: Shape4, attributes: Attributes) {
  expectChannelsLast(attributes, 'NHWC');
  const strides = pairAttribute(attributes, 'strides');
  const dilations = hasAttribute(attributes, 'dilations') ? pairAttribute(attributes, 'dilations') : 1;
  const fits = backend_util.eitherStridesOrDilationsAreOne(strides, dilations);
  expect(fits, 'strides or dilations to be 1', attributes['dilations']);
  const pad = padAttribute(attributes);
  const rounding = roundingAttribute(attributes);
  const info = backend_util.computeConv2DInfo(x, filter, strides, dilations, pad, rounding, true);
  expectChannels(info, filter);
  expectReach2d(info);
  expectConsistentWindow(info, attributes);
  return info;
}

type Forward = (inputs: InputSpecs, attributes: Attributes) => ConvInfo;

const forwardConv: Forward = (inputs, attributes) => {
  const dilations = pairAttribute(attributes, 'dilations');
  return conv2dInfo(shape4(inputs['x']!, 'x'), shape4(inputs['filter']!, 'filter'), attributes, dilations);
};

const forwardDepthwise: Forward = (inputs, attributes) =>
  depthwiseInfo(shape4(inputs['x']!, 'x'), shape4(inputs['filter']!, 'filter'), attributes);

/** Multiplies and adds: each element of y meets a filter's window, over all input channels unless depthwise. */
function convolutionOperations(y: Shape, filter: Shape, depthwise: boolean): number {
  return 2 * elementCount(y) * elementCount(filter.slice(0, depthwise ? 2 : 3));
}

function forwardCost(depthwise: boolean): NonNullable<OpDefinition['cost']> {
  return (inputs, outputs) => ({
    operations: convolutionOperations(outputs[0]!.shape, inputs['filter']!.shape, depthwise),
  });
}

function forward(name: string, info: Forward): OpDefinition {
  return {
    name,
    inputs: ['x', 'filter'],
    infer(inputs, attributes) {
      expectFloat(inputs);
      return [spec('float32', info(inputs, attributes).outShape)];
    },
    cost: forwardCost(info === forwardDepthwise),
  };
}

function fused(name: string, info: Forward): OpDefinition {
  return {
    ...forward(name, info),
    optionalInputs: FUSED_INPUTS,
    infer(inputs, attributes) {
      expectFloat(inputs);
      const { outShape, dataFormat } = info(inputs, attributes);
      checkFusion(inputs, attributes, outShape, dataFormat === 'channelsLast' ? 3 : 1);
      return [spec('float32', outShape)];
    },
  };
}

/** Gradient with respect to the input: its shape is an attribute. */
function inputGradient(name: string, depthwise: boolean): OpDefinition {
  return {
    name,
    inputs: ['dy', 'filter'],
    infer(inputs, attributes) {
      expectFloat(inputs);
      const x = shapeAttribute(attributes, 'inputShape');
      const filter = shape4(inputs['filter']!, 'filter');
      const info = depthwise ? depthwiseInfo(x, filter, attributes) : conv2dInfo(x, filter, attributes, 1);
      expectShape(inputs['dy']!, 'dy', info.outShape);
      return [spec('float32', info.inShape)];
    },
    cost: (inputs) => ({
      operations: convolutionOperations(inputs['dy']!.shape, inputs['filter']!.shape, depthwise),
    }),
  };
}

/** Gradient with respect to the filter: its shape is an attribute. */
function filterGradient(name: string, depthwise: boolean): OpDefinition {
  return {
    name,
    inputs: ['x', 'dy'],
    infer(inputs, attributes) {
      expectFloat(inputs);
      const x = shape4(inputs['x']!, 'x');
      const filter = shapeAttribute(attributes, 'filterShape');
      const info = depthwise ? depthwiseInfo(x, filter, attributes) : conv2dInfo(x, filter, attributes, 1);
      expectShape(inputs['dy']!, 'dy', info.outShape);
      return [spec('float32', filter)];
    },
    cost: (inputs, outputs) => ({
      operations: convolutionOperations(inputs['dy']!.shape, outputs[0]!.shape, depthwise),
    }),
  };
}

function dilationInfo(inputs: InputSpecs, attributes: Attributes): ConvInfo {
  const x = shape4(inputs['x']!, 'x');
  const filter = shape3(inputs['filter']!, 'filter');
  expect(filter[2] === x[3], `filter for ${x[3]} channels`, filter);
  const strides = pairAttribute(attributes, 'strides');
  const dilations = pairAttribute(attributes, 'dilations');
  const pad = uniformPadAttribute(attributes);
  const info = backend_util.computeDilation2DInfo(x, filter, strides, pad, 'NHWC', dilations);
  expectReach2d(info);
  return info;
}

/** One comparison and one sum per element of the window. */
function dilationCost(y: TensorSpec, filter: TensorSpec) {
  return { operations: convolutionOperations(y.shape, filter.shape, true) };
}

const dilation: OpDefinition = {
  name: 'Dilation2D',
  inputs: ['x', 'filter'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    expectDType(x, 'x', NUMERIC);
    expectSameDType([x, inputs['filter']!]);
    return [spec(x.dtype, dilationInfo(inputs, attributes).outShape)];
  },
  cost: (inputs, outputs) => dilationCost(outputs[0]!, inputs['filter']!),
};

/** Whether each of `count` windows along one axis shows an element that is not padding. */
function showElements(
  count: number,
  window: { filter: number; dilation: number; stride: number; pad: number },
  length: number,
) {
  const { filter, dilation, stride, pad } = window;
  return Array.from({ length: count }, (_, index) => index * stride - pad).every((start) => {
    const first = Math.max(0, Math.ceil(-start / dilation));
    return first < filter && start + first * dilation < length;
  });
}

/** Checks that no window lies in the padding alone: the cpu kernels then look for the place of a maximum in vain. */
function expectElements(info: ConvInfo, filter: Shape): void {
  const { padInfo, outHeight, outWidth, inHeight, inWidth } = info;
  const rows = {
    filter: filter[0]!,
    dilation: info.dilationHeight,
    stride: info.strideHeight,
    pad: padInfo.top,
  };
  const columns = {
    filter: filter[1]!,
    dilation: info.dilationWidth,
    stride: info.strideWidth,
    pad: padInfo.left,
  };
  const fits = showElements(outHeight, rows, inHeight) && showElements(outWidth, columns, inWidth);
  expect(fits, 'a filter that covers more than padding everywhere', filter);
}

function dilationGradient(name: string, of: 'x' | 'filter'): OpDefinition {
  return {
    name,
    inputs: ['x', 'filter', 'dy'],
    infer(inputs, attributes) {
      expectDType(inputs['x']!, 'x', NUMERIC);
      expectSameDType([inputs['x']!, inputs['filter']!, inputs['dy']!]);
      const info = dilationInfo(inputs, attributes);
      expectShape(inputs['dy']!, 'dy', info.outShape);
      expectElements(info, inputs['filter']!.shape);
      return [spec(inputs[of]!.dtype, inputs[of]!.shape)];
    },
    cost: (inputs) => dilationCost(inputs['dy']!, inputs['filter']!),
  };
}

export const CONVOLUTION: readonly OpDefinition[] = [
  forward('Conv2D', forwardConv),
  forward('DepthwiseConv2dNative', forwardDepthwise),
  fused('FusedConv2D', forwardConv),
  fused('FusedDepthwiseConv2D', forwardDepthwise),
  inputGradient('Conv2DBackpropInput', false),
  inputGradient('DepthwiseConv2dNativeBackpropInput', true),
  filterGradient('Conv2DBackpropFilter', false),
  filterGradient('DepthwiseConv2dNativeBackpropFilter', true),
  dilation,
  dilationGradient('Dilation2DBackpropInput', 'x'),
  dilationGradient('Dilation2DBackpropFilter', 'filter'),
];
