/** Which nodes wasm's kernels compute correctly, and without leaving their tensors; the rest run on the cpu kernels. */
import type { ProgramNode } from '../../scheduler/kernel.js';
import { elementCount, type Shape } from '../../scheduler/tensor.js';
import { isExcluded } from '../ops/excluded.js';
import { type NumberRules, takesNumbers } from '../ops/numbers.js';
import { runsAlongEnd } from '../ops/specs.js';
import { repeatsBatches } from '../reference/corrections.js';
import { takesDTypes } from './dtypes.js';
import { isPlainSuppression } from './suppression.js';
import { hasXnnpackWindows } from './windows.js';

/** What must hold for a node to be right on wasm. */
type Rule = (node: ProgramNode) => boolean;

const never: Rule = () => false;

/** Wrong for float32 as well (tfjs 4.22.0), with what must hold for them to be right. */
const RULES: Readonly<Record<string, Rule>> = {
  // Take the least positive float for the least float, so that windows of negative numbers come out wrong.
  Dilation2D: never,
  Dilation2DBackpropFilter: never,
  Dilation2DBackpropInput: never,
  MaxPool3D: never,
  MaxPool3DGrad: never,
  MaxPoolGrad: never,
  MaxPoolWithArgmax: never,
  // Mix up strides.
  Conv3DBackpropFilterV2: never,
  Conv3DBackpropInputV2: never,
  // Copies from a row's start wherever the box begins, and reads beyond the image for a box that is no number.
  CropAndResize: never,
  // Adds up rounding errors.
  LinSpace: never,
  // Divides by zero where 32 bits are too few for the number of elements.
  SparseReshape: never,
  // Stores what remains of the number modulo 256, where any other than 0 is true.
  Cast: (node) => node.attributes['dtype'] !== 'bool' || node.inputSpecs[0]!.dtype === 'bool',
  // Mixes up the batches.
  GatherV2: (node) => !node.attributes['batchDims'],
  BatchMatMul: (node) => !repeatsBatches(node),
  // Does nothing where XNNPACK refuses the bounds, which it takes as float32.
  ClipByValue: ({ attributes }) =>
    Math.fround(number(attributes, 'clipValueMin')) < Math.fround(number(attributes, 'clipValueMax')),
  // Takes the value as float32 whatever the dtype.
  PadV2: ({ attributes, inputSpecs: [x] }) => x!.dtype === 'float32' || isExact(attributes['constantValue']),
  // Leave the copy of a scalar as they find it.
  MirrorPad: hasDimensions,
  Slice: hasDimensions,
  // The cpu kernel makes float32 of them first.
  OneHot: ({ attributes }) => isExact(attributes['onValue']) && isExact(attributes['offValue']),
  // Takes alpha as float32.
  Step: ({ attributes, inputSpecs: [x] }) => x!.dtype === 'float32' || isExact(attributes['alpha']),
  // Round to whole pixels in float32, which counts to 2^24.
  ResizeBilinear: hasModestSides,
  ResizeBilinearGrad: hasModestSides,
  ResizeNearestNeighbor: hasModestSides,
  ResizeNearestNeighborGrad: hasModestSides,
  // Takes fill values for unsigned integers and opacity for 255, and turns around the center in float32.
  RotateWithOffset: ({ attributes: { fillValue, center, radians }, inputSpecs: [image] }) =>
    image!.shape[3]! <= 3 && list(fillValue).every(isUnsigned) && [center, radians].flat().every(isModest),
  // Mirrors coordinates below 0 at the wrong place, and wraps far ones around in float32.
  Transform: ({ attributes: { fillMode } }) => fillMode === 'constant' || fillMode === 'nearest',
  // Add the radius to a channel in 32 bits, and multiply the others in float32.
  LRN: normalizesSimply,
  LRNGrad: normalizesSimply,
  // Knows weights along the last dimensions only.
  Prelu: (node) => runsAlongEnd(inputShape(node, 'alpha')!, inputShape(node, 'x')!),
  // Takes -1 for a number of classes; TensorFlow.js does not pass it.
  Softmax: (node) => node.attributes['dim'] !== -1,
  // Throw.
  Conv2D: isChannelsLast,
  Conv2DBackpropInput: isChannelsLast,
  FusedConv2D: fusesSimply,
  FusedDepthwiseConv2D: fusesSimply,
  // Knows weights along the last dimensions only.
  _FusedMatMul: hasSimpleWeights,
  // Take sizes for granted that the op table would check.
  NonMaxSuppressionV3: isPlainSuppression,
  NonMaxSuppressionV4: isPlainSuppression,
  NonMaxSuppressionV5: isPlainSuppression,
};

function number(attributes: ProgramNode['attributes'], name: string): number {
  return attributes[name] as number;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

/** Whether a float32 holds the number as it is, and an int32, too. */
function isExact(value: unknown): boolean {
  return Number.isInteger(value) && Math.abs(value as number) <= 2 ** 24;
}

function isUnsigned(value: unknown): boolean {
  return isExact(value) && (value as number) >= 0;
}

/** Whether float32 leaves enough digits for the angle, or for places this many lengths of an image away. */
function isModest(value: unknown): boolean {
  return Math.abs(value as number) <= 16;
}

/** Whether float32 keeps its digits: nothing is as large as what it is subtracted from. */
function normalizesSimply({ attributes }: ProgramNode): boolean {
  const [alpha, bias, beta] = ['alpha', 'bias', 'beta'].map((name) => number(attributes, name));
  const isModestSum = alpha! >= 0 && bias! >= 0 && alpha! + bias! <= 2 ** 20;
  return isModestSum && Math.abs(beta!) <= 2 ** 20 && isExact(attributes['depthRadius']);
}

function hasModestSides({ inputSpecs, outputSpecs }: ProgramNode): boolean {
  return [...inputSpecs, ...outputSpecs].every(({ shape }) => shape.every((length) => length <= 2 ** 22));
}

function inputShape(node: ProgramNode, name: string): Shape | undefined {
  return node.inputSpecs[node.inputNames.indexOf(name)]?.shape;
}

function hasDimensions(node: ProgramNode): boolean {
  return node.inputSpecs[0]!.shape.length > 0;
}

function isChannelsLast(node: ProgramNode): boolean {
  return node.attributes['dataFormat'] !== 'NCHW';
}

/** A bias for each channel, and weights along the last dimensions. */
function fusesSimply(node: ProgramNode): boolean {
  const bias = inputShape(node, 'bias');
  const channels = node.outputSpecs[0]!.shape.at(-1)!;
  const isPerChannel = bias === undefined || (bias.length === 1 && bias[0] === channels);
  return isChannelsLast(node) && isPerChannel && hasSimpleWeights(node);
}

function hasSimpleWeights(node: ProgramNode): boolean {
  const weights = inputShape(node, 'preluActivationWeights');
  return weights === undefined || runsAlongEnd(weights, node.outputSpecs[0]!.shape);
}

const NUMBERS: NumberRules = {
  // Others lose them on the way, or make INT_MIN of them where the dtype is int32.
  takeInfinity: new Set([
    ...['ClipByValue', 'Fill', 'PadV2'],
    ...['NonMaxSuppressionV3', 'NonMaxSuppressionV4', 'NonMaxSuppressionV5'],
  ]),
  // A bound beyond float32 bounds all the same.
  takeAnySize: new Set(['ClipByValue']),
};

/** Kernels of ops that the table cannot describe may be given any inputs, which the cpu kernels survive. */
function ruleOf(op: string): Rule | undefined {
  if (Object.hasOwn(RULES, op)) return RULES[op];
  return isExcluded(op) ? never : undefined;
}

/** Whether wasm's kernel is right for a node that has elements. */
export function isCorrectOnWasm(node: ProgramNode): boolean {
  // Kernels skip empty inputs and leave outputs that are not empty as they find them.
  if (node.inputSpecs.some(({ shape }) => elementCount(shape) === 0)) return false;
  if (!takesNumbers(node, NUMBERS)) return false;
  const isRight = ruleOf(node.op)?.(node) ?? true;
  return isRight && takesDTypes(node) && hasXnnpackWindows(node);
}
