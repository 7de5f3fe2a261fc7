/** 3-D convolutions and their gradients, channels last. */
import { backend_util } from '@tensorflow/tfjs-core';
import type { Attributes } from '../../scheduler/graph.js';
import { elementCount, type Shape } from '../../scheduler/tensor.js';
import { integersAttribute, tripleAttribute } from './attributes.js';
import { expect } from './mistake.js';
import type { OpDefinition } from './op.js';
import { expectDType, expectShape, FLOAT, type Shape5, shape5, spec } from './specs.js';
import { expectChannelsLast, expectReach3d, uniformPadAttribute } from './window.js';

function conv3dInfo(
  x: Shape5,
  filter: Shape5,
  attributes: Attributes,
  dilations: number | [number, number, number],
) {
  expectChannelsLast(attributes, 'NDHWC');
  const strides = tripleAttribute(attributes, 'strides');
  const pad = uniformPadAttribute(attributes);
  expect(x[4] === filter[3], `filter for ${x[4]} input channels`, filter);
  const info = backend_util.computeConv3DInfo(x, filter, strides, dilations, pad);
  expectReach3d(info);
  return info;
}

function operations(y: Shape, filter: Shape): number {
  return 2 * elementCount(y) * elementCount(filter.slice(0, 4));
}

const conv3d: OpDefinition = {
  name: 'Conv3D',
  inputs: ['x', 'filter'],
  infer(inputs, attributes) {
    expectDType(inputs['x']!, 'x', FLOAT);
    expectDType(inputs['filter']!, 'filter', FLOAT);
    const dilations = tripleAttribute(attributes, 'dilations');
    const filter = shape5(inputs['filter']!, 'filter');
    return [spec('float32', conv3dInfo(shape5(inputs['x']!, 'x'), filter, attributes, dilations).outShape)];
  },
  cost: (inputs, outputs) => ({ operations: operations(outputs[0]!.shape, inputs['filter']!.shape) }),
};

const inputGradient: OpDefinition = {
  name: 'Conv3DBackpropInputV2',
  inputs: ['dy', 'filter'],
  infer(inputs, attributes) {
    expectDType(inputs['dy']!, 'dy', FLOAT);
    expectDType(inputs['filter']!, 'filter', FLOAT);
    const x = integersAttribute(attributes, 'inputShape', 0, 5) as Shape5;
    const { outShape } = conv3dInfo(x, shape5(inputs['filter']!, 'filter'), attributes, 1);
    expectShape(inputs['dy']!, 'dy', outShape);
    return [spec('float32', x)];
  },
  cost: (inputs) => ({ operations: operations(inputs['dy']!.shape, inputs['filter']!.shape) }),
};

const filterGradient: OpDefinition = {
  name: 'Conv3DBackpropFilterV2',
  inputs: ['x', 'dy'],
  infer(inputs, attributes) {
    expectDType(inputs['x']!, 'x', FLOAT);
    expectDType(inputs['dy']!, 'dy', FLOAT);
    const filter = integersAttribute(attributes, 'filterShape', 0, 5) as Shape5;
    const { outShape } = conv3dInfo(shape5(inputs['x']!, 'x'), filter, attributes, 1);
    expectShape(inputs['dy']!, 'dy', outShape);
    return [spec('float32', filter)];
  },
  cost: (inputs, outputs) => ({ operations: operations(inputs['dy']!.shape, outputs[0]!.shape) }),
};

export const CONVOLUTION_3D: readonly OpDefinition[] = [conv3d, inputGradient, filterGradient];
