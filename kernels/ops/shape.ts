/** Ops that give the same elements another shape or order. */
import { backend_util, util } from '@tensorflow/tfjs-core';
import { elementCount, formatSpec } from '../../scheduler/tensor.js';
import {
  axesAttribute,
  axisAttribute,
  choiceAttribute,
  integerAttribute,
  integersAttribute,
  marginsAttribute,
} from './attributes.js';
import { moveCost, viewCost } from './cost.js';
import { expect } from './mistake.js';
import type { OpDefinition } from './op.js';
import { expectDType, FLOAT, shape4, spec } from './specs.js';

const reshape: OpDefinition = {
  name: 'Reshape',
  inputs: ['x'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    const asked = integersAttribute(attributes, 'shape', -1);
    const elements = elementCount(x.shape);
    const shape = util.inferFromImplicitShape(asked, elements);
    // TensorFlow.js takes any shape for no elements.
    expect(elementCount(shape) === elements, `attribute shape of ${elements} elements`, asked);
    return [spec(x.dtype, shape)];
  },
  cost: viewCost,
};

const expandDims: OpDefinition = {
  name: 'ExpandDims',
  inputs: ['input'],
  infer(inputs, attributes) {
    const input = inputs['input']!;
    const axis = axisAttribute(attributes, 'dim', input.shape.length + 1);
    return [spec(input.dtype, input.shape.toSpliced(axis, 0, 1))];
  },
  cost: viewCost,
};

const transpose: OpDefinition = {
  name: 'Transpose',
  inputs: ['x'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    const rank = x.shape.length;
    const perm = integersAttribute(attributes, 'perm', 0, rank);
    const isPermutation = new Set(perm).size === rank && perm.every((axis) => axis < rank);
    expect(isPermutation, `attribute perm to be a permutation of ${rank} axes`, perm);
    return [
      spec(
        x.dtype,
        perm.map((axis) => x.shape[axis]!),
      ),
    ];
  },
  cost: moveCost,
};

const reverse: OpDefinition = {
  name: 'Reverse',
  inputs: ['x'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    axesAttribute(attributes, 'dims', x.shape);
    return [spec(x.dtype, x.shape)];
  },
  cost: moveCost,
};

/** Sizes of the blocks, which must be one or more for each blocked dimension. */
function blocksAttribute(attributes: Parameters<OpDefinition['infer']>[1], rank: number): number[] {
  const blocks = integersAttribute(attributes, 'blockShape', 1);
  const fits = blocks.length >= 1 && blocks.length < rank;
  expect(fits, `attribute blockShape of 1 to ${rank - 1} integers`, blocks);
  return blocks;
}

const spaceToBatch: OpDefinition = {
  name: 'SpaceToBatchND',
  inputs: ['x'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    const blocks = blocksAttribute(attributes, x.shape.length);
    const paddings = marginsAttribute(attributes, 'paddings', blocks.length);
    const padded = [...x.shape];
    for (const [index, [before, after]] of paddings.entries()) {
      padded[index + 1]! += before + after;
      const fits = padded[index + 1]! % blocks[index]! === 0;
      expect(fits, `dimension ${index + 1} with its padding to be a multiple of ${blocks[index]}`, padded);
    }
    return [spec(x.dtype, backend_util.getReshapedPermuted(padded, blocks, elementCount(blocks), false))];
  },
  cost: moveCost,
};

const batchToSpace: OpDefinition = {
  name: 'BatchToSpaceND',
  inputs: ['x'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    const blocks = blocksAttribute(attributes, x.shape.length);
    const crops = marginsAttribute(attributes, 'crops', blocks.length);
    const count = elementCount(blocks);
    expect(x.shape[0]! % count === 0, `x with a batch that is a multiple of ${count}`, formatSpec(x));
    const uncropped = backend_util.getReshapedPermuted([...x.shape], blocks, count);
    const cropped = backend_util.getSliceSize(uncropped, crops, blocks.length);
    return [spec(x.dtype, [...cropped, ...uncropped.slice(cropped.length)])];
  },
  cost: moveCost,
};

const depthToSpace: OpDefinition = {
  name: 'DepthToSpace',
  inputs: ['x'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    expectDType(x, 'x', FLOAT);
    const block = integerAttribute(attributes, 'blockSize', 1);
    const format = choiceAttribute(attributes, 'dataFormat', ['NHWC', 'NCHW']);
    const [batch, ...rest] = shape4(x, 'x');
    const [height, width, depth] = format === 'NHWC' ? rest : [rest[1]!, rest[2]!, rest[0]!];
    expect(depth! % block ** 2 === 0, `x with channels that are a multiple of ${block ** 2}`, formatSpec(x));
    const space = [height! * block, width! * block];
    const channels = depth! / block ** 2;
    return [spec(x.dtype, format === 'NHWC' ? [batch, ...space, channels] : [batch, channels, ...space])];
  },
  cost: moveCost,
};

const diag: OpDefinition = {
  name: 'Diag',
  inputs: ['x'],
  infer(inputs) {
    const x = inputs['x']!;
    return [spec(x.dtype, [...x.shape, ...x.shape])];
  },
  cost: moveCost,
};

export const SHAPE: readonly OpDefinition[] = [
  reshape,
  expandDims,
  transpose,
  reverse,
  spaceToBatch,
  batchToSpace,
  depthToSpace,
  diag,
];
