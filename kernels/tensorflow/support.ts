/** Which nodes tfjs-node's kernels take and compute as the cpu kernels do; the rest run on the cpu kernels. */
import type { ProgramNode } from '../../scheduler/kernel.js';
import { elementCount, sameShape } from '../../scheduler/tensor.js';
import { isExcluded } from '../ops/excluded.js';
import { type NumberRules, takesNumbers } from '../ops/numbers.js';
import { takesDTypes } from './dtypes.js';
import {
  hasEvenGradient,
  hasEvenSteps,
  hasPadding,
  hasPlainPadding,
  isSquare,
  isUndilated,
} from './windows.js';

/** What must hold for a node to be the same on TensorFlow. */
type Rule = (node: ProgramNode) => boolean;

const all =
  (...rules: readonly Rule[]): Rule =>
  (node) =>
    rules.every((rule) => rule(node));

const never: Rule = () => false;
const isChannelsLast: Rule = ({ attributes }) => attributes['dataFormat'] !== 'NCHW';
const rankOf = ({ inputNames, inputSpecs }: ProgramNode, input: string): number =>
  inputSpecs[inputNames.indexOf(input)]!.shape.length;
const hasIndexRows: Rule = (node) => rankOf(node, 'indices') >= 2;
const isModest = (value: unknown) => (value as number) >= 0 && (value as number) <= 2 ** 20;
const isSimpleSum: Rule = ({ attributes: { alpha, bias, beta } }) =>
  isModest(alpha) && isModest(bias) && isModest(Math.abs(beta as number));
const isInt32 = (value: unknown) => (value as number) === (value as number) >> 0;
const isTruth = ({ outputSpecs, attributes }: ProgramNode, names: readonly string[]) =>
  outputSpecs[0]!.dtype !== 'bool' || names.every((name) => Number.isInteger(Number(attributes[name])));
const MASKS = ['beginMask', 'endMask', 'ellipsisMask', 'newAxisMask', 'shrinkAxisMask'];

/** Ops of TensorFlow 2.21 and kernels of tfjs-node 4.22.0 with what must hold for them. */
const RULES: Readonly<Record<string, Rule>> = {
  ClipByValue: ({ inputSpecs, attributes: { clipValueMin, clipValueMax } }) =>
    inputSpecs[0]!.dtype === 'float32' || (isInt32(clipValueMin) && isInt32(clipValueMax)),
  // Refuses boxes that are no numbers, and reads beyond the image for distant ones.
  CropAndResize: never,
  // Take any number but 0 for true.
  Fill: (node) => isTruth(node, ['value']),
  OneHot: (node) => isTruth(node, ['onValue', 'offValue']),
  PadV2: (node) => isTruth(node, ['constantValue']),
  // Know windows without padding, and with as much as 'same' takes.
  AvgPool: hasPlainPadding,
  AvgPool3D: hasPlainPadding,
  MaxPool: hasPlainPadding,
  MaxPool3D: hasPlainPadding,
  // The cpu kernel mixes up height and width.
  MaxPool3DGrad: all(hasPlainPadding, isSquare),
  MaxPoolGrad: hasPlainPadding,
  // Divide by the elements that a window covers; the cpu kernels divide by its size.
  AvgPoolGrad: all(hasPlainPadding, hasEvenGradient),
  AvgPool3DGrad: all(hasPlainPadding, hasEvenGradient),
  // Have no kernel for NCHW on the CPU.
  Conv2D: all(isChannelsLast, hasPadding),
  FusedConv2D: all(isChannelsLast, hasPadding),
  Conv2DBackpropFilter: all(isChannelsLast, hasPlainPadding),
  Conv2DBackpropInput: all(isChannelsLast, hasPlainPadding),
  // Have no kernel for dilations on the CPU.
  Conv3D: all(hasPlainPadding, isUndilated),
  Conv3DBackpropFilterV2: all(hasPlainPadding, isUndilated),
  Conv3DBackpropInputV2: all(hasPlainPadding, isUndilated),
  // Step as far in rows as in columns, and have no kernel for dilations on the CPU.
  DepthwiseConv2dNative: all(hasEvenSteps, isUndilated, hasPadding),
  FusedDepthwiseConv2D: all(hasEvenSteps, isUndilated, hasPadding),
  DepthwiseConv2dNativeBackpropFilter: all(hasEvenSteps, isUndilated, hasPlainPadding),
  DepthwiseConv2dNativeBackpropInput: all(hasEvenSteps, isUndilated, hasPlainPadding),
  // Take another least number for windows of nothing, and other padding.
  Dilation2D: never,
  Dilation2DBackpropFilter: never,
  Dilation2DBackpropInput: never,
  // Takes blocks of 1 for blocks of 2.
  DepthToSpace: all(isChannelsLast, ({ attributes }) => attributes['blockSize'] !== 1),
  // Ends at the last number exactly, whatever the steps before it add up to.
  LinSpace: never,
  Diag: (node) => rankOf(node, 'x') > 0,
  // Have no number for a negative sum's power, and lose small ones beside large ones.
  LRN: isSimpleSum,
  LRNGrad: isSimpleSum,
  MirrorPad: (node) => rankOf(node, 'x') <= 5,
  // Takes logits and numbers only.
  Multinomial: ({ attributes: { normalized, seed } }) => normalized !== true && Number.isInteger(seed ?? 0),
  // Knows no range against its step, and rounds the step of integers.
  Range: never,
  // Take a list of indices for the places of one element.
  ScatterNd: hasIndexRows,
  // Takes masks of 31 bits.
  StridedSlice: ({ attributes }) => MASKS.every((name) => ((attributes[name] ?? 0) as number) < 2 ** 31),
  TensorScatterUpdate: hasIndexRows,
  // Leaves the order to chance where none is asked for.
  TopK: ({ attributes }) => attributes['sorted'] === true,
};

const NUMBERS: NumberRules = { takeInfinity: new Set(['ClipByValue', 'Fill', 'PadV2']) };

/** Whether TensorFlow's broadcasting has as many dimensions as the node's. */
function broadcastsSimply({ inputNames, inputSpecs, outputSpecs }: ProgramNode): boolean {
  const [a, b] = inputSpecs;
  if (inputNames[0] !== 'a' || outputSpecs[0]!.shape.length <= 5) return true;
  return sameShape(a!.shape, b!.shape);
}

/** Kernels of ops that the table cannot describe may be given any inputs, which the cpu kernels survive. */
function ruleOf(op: string): Rule | undefined {
  if (Object.hasOwn(RULES, op)) return RULES[op];
  return isExcluded(op) ? never : undefined;
}

/** Whether TensorFlow computes the same for a node that has elements. */
export function isSameOnTensorFlow(node: ProgramNode): boolean {
  // What is made of nothing differs: reductions of no elements do.
  if (node.inputSpecs.some(({ shape }) => elementCount(shape) === 0)) return false;
  const isRight = ruleOf(node.op)?.(node) ?? true;
  return isRight && takesDTypes(node) && takesNumbers(node, NUMBERS) && broadcastsSimply(node);
}

/** In graphs, oneDNN looks for the maxima itself, and finds others. */
const OTHER_IN_GRAPHS: ReadonlySet<string> = new Set(['MaxPool3DGrad']);

/**
 * Whether a node computes the same in a graph as by itself. Tensors without elements have another shape in TensorFlow; it is
 * never asked to compute with them.
 */
export function isSameInGraphs({ op, inputSpecs, outputSpecs }: ProgramNode): boolean {
  const hasElements = [...inputSpecs, ...outputSpecs].every(({ shape }) => elementCount(shape) > 0);
  return hasElements && !OTHER_IN_GRAPHS.has(op);
}
