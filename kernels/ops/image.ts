/** Ops on batches of images, channels last. */
import type { Attributes } from '../../scheduler/graph.js';
import type { DType, Shape } from '../../scheduler/tensor.js';
import {
  choiceAttribute,
  flagAttribute,
  hasAttribute,
  integersAttribute,
  numberAttribute,
} from './attributes.js';
import { moveCost, perOutput } from './cost.js';
import { expect } from './mistake.js';
import type { OpDefinition } from './op.js';
import { expectDType, expectShape, FLOAT, INT, NUMERIC, shape4, spec } from './specs.js';

/** Four products and three sums per bilinear sample, with its weights. */
const BILINEAR_OPERATIONS = 9;

function sizeAttribute(attributes: Attributes, name: string): [number, number] {
  return integersAttribute(attributes, name, 1, 2) as [number, number];
}

/** Kernels differ in what they make of both at once, which TensorFlow refuses. */
function checkSampling(attributes: Attributes): void {
  const isAligned = flagAttribute(attributes, 'alignCorners');
  const isCentered = flagAttribute(attributes, 'halfPixelCenters');
  expect(!(isAligned && isCentered), 'alignCorners or halfPixelCenters, not both', isCentered);
}

function resize(name: string, result: (dtype: DType) => DType, operations: number): OpDefinition {
  return {
    name,
    inputs: ['images'],
    infer(inputs, attributes) {
      const images = inputs['images']!;
      expectDType(images, 'images', NUMERIC);
      const [batch, , , channels] = shape4(images, 'images');
      checkSampling(attributes);
      return [spec(result(images.dtype), [batch, ...sizeAttribute(attributes, 'size'), channels])];
    },
    cost: perOutput(operations),
  };
}

/** Checks that aligned corners lie apart: kernels divide by the distance, and the cpu one never ends when it is 0. */
function expectCornersApart(images: Shape, dy: Shape): void {
  const fits = [1, 2].every((axis) => images[axis]! > 1 || dy[axis]! <= 1);
  expect(fits, 'images of 2 or more rows and columns with alignCorners', images);
}

/** Gradient of a resize. */
function resizeGradient(name: string): OpDefinition {
  return {
    name,
    inputs: ['images', 'dy'],
    infer(inputs, attributes) {
      const images = inputs['images']!;
      expectDType(images, 'images', FLOAT);
      expectDType(inputs['dy']!, 'dy', FLOAT);
      const [batch, , , channels] = shape4(images, 'images');
      const [, height, width] = shape4(inputs['dy']!, 'dy');
      expectShape(inputs['dy']!, 'dy', [batch, height, width, channels]);
      const isAligned = flagAttribute(attributes, 'alignCorners');
      if (isAligned && name === 'ResizeNearestNeighborGrad')
        expectCornersApart(images.shape, inputs['dy']!.shape);
      return [spec('float32', images.shape)];
    },
    cost: perOutput(BILINEAR_OPERATIONS),
  };
}

const cropAndResize: OpDefinition = {
  name: 'CropAndResize',
  inputs: ['image', 'boxes', 'boxInd'],
  infer(inputs, attributes) {
    const image = inputs['image']!;
    expectDType(image, 'image', NUMERIC);
    expectDType(inputs['boxes']!, 'boxes', FLOAT);
    expectDType(inputs['boxInd']!, 'boxInd', INT);
    const [boxes = 0] = inputs['boxes']!.shape;
    expectShape(inputs['boxes']!, 'boxes', [boxes, 4]);
    expectShape(inputs['boxInd']!, 'boxInd', [boxes]);
    choiceAttribute(attributes, 'method', ['bilinear', 'nearest']);
    numberAttribute(attributes, 'extrapolationValue');
    const [, , , channels] = shape4(image, 'image');
    return [spec('float32', [boxes, ...sizeAttribute(attributes, 'cropSize'), channels])];
  },
  cost: perOutput(BILINEAR_OPERATIONS),
};

const flipLeftRight: OpDefinition = {
  name: 'FlipLeftRight',
  inputs: ['image'],
  infer(inputs) {
    expectDType(inputs['image']!, 'image', FLOAT);
    return [spec('float32', shape4(inputs['image']!, 'image'))];
  },
  cost: moveCost,
};

/** A number, or as many as `count`. */
function expectNumbers(attributes: Attributes, name: string, count: number): void {
  const value = attributes[name];
  const isList =
    Array.isArray(value) && value.length === count && value.every((item) => typeof item === 'number');
  expect(isList || typeof value === 'number', `attribute ${name} to be a number or ${count} of them`, value);
}

const rotateWithOffset: OpDefinition = {
  name: 'RotateWithOffset',
  inputs: ['image'],
  infer(inputs, attributes) {
    expectDType(inputs['image']!, 'image', FLOAT);
    numberAttribute(attributes, 'radians');
    expectNumbers(attributes, 'fillValue', 3);
    expectNumbers(attributes, 'center', 2);
    return [spec('float32', shape4(inputs['image']!, 'image'))];
  },
  cost: perOutput(BILINEAR_OPERATIONS),
};

const FILL_MODES = ['constant', 'reflect', 'wrap', 'nearest'] as const;

const transform: OpDefinition = {
  name: 'Transform',
  inputs: ['image', 'transforms'],
  infer(inputs, attributes) {
    const transforms = inputs['transforms']!;
    expectDType(inputs['image']!, 'image', FLOAT);
    expectDType(transforms, 'transforms', FLOAT);
    const [batch, height, width, channels] = shape4(inputs['image']!, 'image');
    expectShape(transforms, 'transforms', [transforms.shape[0] === 1 ? 1 : batch, 8]);
    choiceAttribute(attributes, 'interpolation', ['nearest', 'bilinear']);
    choiceAttribute(attributes, 'fillMode', FILL_MODES);
    numberAttribute(attributes, 'fillValue');
    const size = hasAttribute(attributes, 'outputShape')
      ? sizeAttribute(attributes, 'outputShape')
      : [height, width];
    return [spec('float32', [batch, ...size, channels])];
  },
  cost: perOutput(BILINEAR_OPERATIONS),
};

export const IMAGE: readonly OpDefinition[] = [
  resize('ResizeBilinear', () => 'float32', BILINEAR_OPERATIONS),
  // The wasm kernel makes float32 of int32 images; the cpu kernel keeps the dtype.
  resize('ResizeNearestNeighbor', (dtype) => dtype, 0),
  resizeGradient('ResizeBilinearGrad'),
  resizeGradient('ResizeNearestNeighborGrad'),
  cropAndResize,
  flipLeftRight,
  rotateWithOffset,
  transform,
];
