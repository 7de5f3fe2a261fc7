/** Ops that cut tensors apart, pad them, and put them together. */
import { backend_util, slice_util } from '@tensorflow/tfjs-core';
import type { Attributes } from '../../scheduler/graph.js';
import { formatSpec, type Shape, type TensorSpec } from '../../scheduler/tensor.js';
import {
  axisAttribute,
  choiceAttribute,
  elementAttribute,
  integerAttribute,
  integersAttribute,
  marginsAttribute,
  optionalInteger,
} from './attributes.js';
import { moveCost } from './cost.js';
import { expect } from './mistake.js';
import type { OpDefinition } from './op.js';
import { expectSameDType, expectShape, inputList, spec, tensorInfo } from './specs.js';

/** A position or extent per dimension; a number means the first dimension only. */
function extentAttribute(attributes: Attributes, name: string, least: number): number | number[] {
  if (typeof attributes[name] === 'number') return integerAttribute(attributes, name, least);
  return integersAttribute(attributes, name, least);
}

const slice: OpDefinition = {
  name: 'Slice',
  inputs: ['x'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    const info = tensorInfo(x);
    const given = [extentAttribute(attributes, 'begin', 0), extentAttribute(attributes, 'size', -1)] as const;
    const [begin, size] = slice_util.parseSliceParams(info, ...given);
    slice_util.assertParamsValid(info, begin!, size!);
    return [spec(x.dtype, size!)];
  },
  cost: moveCost,
};

const MASKS = ['beginMask', 'endMask', 'ellipsisMask', 'newAxisMask', 'shrinkAxisMask'] as const;

const stridedSlice: OpDefinition = {
  name: 'StridedSlice',
  inputs: ['x'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    const begin = integersAttribute(attributes, 'begin');
    const end = integersAttribute(attributes, 'end', undefined, begin.length);
    const strides = integersAttribute(attributes, 'strides', undefined, begin.length);
    const masks = MASKS.map((mask) => optionalInteger(attributes, mask, 0, 0));
    const [beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask] = masks as [
      number,
      number,
      number,
      number,
      number,
    ];
    const { finalShape } = slice_util.sliceInfo(
      [...x.shape],
      begin,
      end,
      strides,
      beginMask,
      endMask,
      ellipsisMask,
      newAxisMask,
      shrinkAxisMask,
    );
    return [spec(x.dtype, finalShape)];
  },
  cost: moveCost,
};

const concat: OpDefinition = {
  name: 'Concat',
  inputs: 'variadic',
  infer(inputs, attributes) {
    const list = inputList(inputs);
    expectSameDType(list);
    const axis = axisAttribute(attributes, 'axis', list[0]!.shape.length);
    const shapes = list.map(({ shape }) => [...shape]);
    backend_util.assertParamsConsistent(shapes, axis);
    return [spec(list[0]!.dtype, backend_util.computeOutShape(shapes, axis))];
  },
  cost: moveCost,
};

const pack: OpDefinition = {
  name: 'Pack',
  inputs: 'variadic',
  infer(inputs, attributes) {
    const list = inputList(inputs);
    const { dtype, shape } = list[0]!;
    expectSameDType(list);
    for (const [index, input] of list.entries()) expectShape(input, `input ${index}`, shape);
    const axis = axisAttribute(attributes, 'axis', shape.length + 1);
    return [spec(dtype, shape.toSpliced(axis, 0, list.length))];
  },
  cost: moveCost,
};

const unpack: OpDefinition = {
  name: 'Unpack',
  inputs: ['value'],
  infer(inputs, attributes) {
    const { dtype, shape } = inputs['value']!;
    const axis = axisAttribute(attributes, 'axis', shape.length);
    const piece = spec(dtype, shape.toSpliced(axis, 1));
    return Array<TensorSpec>(shape[axis]!).fill(piece);
  },
  cost: moveCost,
};

/** Sizes of the pieces: a number of equal ones, or their lengths, of which one may be -1. */
function splitSizes(x: TensorSpec, axis: number, attributes: Attributes): number[] {
  const given = attributes['numOrSizeSplits'];
  const split =
    typeof given === 'number'
      ? integerAttribute(attributes, 'numOrSizeSplits', 1)
      : integersAttribute(attributes, 'numOrSizeSplits', -1);
  return backend_util.prepareSplitSize(tensorInfo(x) as never, split, axis);
}

const splitV: OpDefinition = {
  name: 'SplitV',
  inputs: ['x'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    const axis = axisAttribute(attributes, 'axis', x.shape.length);
    return splitSizes(x, axis, attributes).map((size) => spec(x.dtype, x.shape.with(axis, size)));
  },
  cost: moveCost,
};

const tile: OpDefinition = {
  name: 'Tile',
  inputs: ['x'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    const repetitions = integersAttribute(attributes, 'reps', 0, x.shape.length);
    return [
      spec(
        x.dtype,
        x.shape.map((length, axis) => length * repetitions[axis]!),
      ),
    ];
  },
  cost: moveCost,
};

function paddedShape(shape: Shape, paddings: readonly (readonly [number, number])[]): Shape {
  return shape.map((length, axis) => length + paddings[axis]![0] + paddings[axis]![1]);
}

const pad: OpDefinition = {
  name: 'PadV2',
  inputs: ['x'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    elementAttribute(attributes, 'constantValue', x.dtype);
    return [spec(x.dtype, paddedShape(x.shape, marginsAttribute(attributes, 'paddings', x.shape.length)))];
  },
  cost: moveCost,
};

/** Margins show the tensor's own elements, so there must be enough of them. */
const mirrorPad: OpDefinition = {
  name: 'MirrorPad',
  inputs: ['x'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    const mode = choiceAttribute(attributes, 'mode', ['reflect', 'symmetric']);
    const paddings = marginsAttribute(attributes, 'paddings', x.shape.length);
    const edge = mode === 'reflect' ? 1 : 0;
    for (const [axis, margins] of paddings.entries()) {
      const most = x.shape[axis]! - edge;
      const received = `${margins} for ${formatSpec(x)}`;
      expect(Math.max(...margins) <= most, `paddings of ${most} at most in dimension ${axis}`, received);
    }
    return [spec(x.dtype, paddedShape(x.shape, paddings))];
  },
  cost: moveCost,
};

export const PIECES: readonly OpDefinition[] = [
  slice,
  stridedSlice,
  concat,
  pack,
  unpack,
  splitV,
  tile,
  pad,
  mirrorPad,
];
