/** Which nodes WebGPU's kernels compute as the cpu kernels do; the rest run on the cpu kernels. */
import type { ProgramNode } from '../../scheduler/kernel.js';
import { elementCount, type Shape } from '../../scheduler/tensor.js';
import { isExcluded } from '../ops/excluded.js';
import { type NumberRules, takesNumbers } from '../ops/numbers.js';
import { runsAlongEnd } from '../ops/specs.js';
import { repeatsBatches } from '../reference/corrections.js';
import { takesIntegers } from './dtypes.js';
import { gpuBytes } from './tensor.js';
import { hasNoEmptyWindow } from './windows.js';

/** What must hold for a node to be the same on WebGPU. */
type Rule = (node: ProgramNode) => boolean;

const never: Rule = () => false;

/** Whether a float32 holds the number as it is. */
function isExact(value: unknown): boolean {
  return Number.isInteger(value) && Math.abs(value as number) <= 2 ** 24;
}

function shapeOf({ inputNames, inputSpecs }: ProgramNode, input: string): Shape | undefined {
  return inputSpecs[inputNames.indexOf(input)]?.shape;
}

/** Whether PReLU's weights, if there are any, run along the last dimensions. */
function hasSimpleWeights(node: ProgramNode): boolean {
  const weights = shapeOf(node, 'preluActivationWeights');
  if (weights === undefined) return true;
  return node.attributes['dataFormat'] !== 'NCHW' && runsAlongEnd(weights, node.outputSpecs[0]!.shape);
}

/** Whether float32 keeps its digits, and the sums of squares their size. */
function normalizesSimply({ attributes }: ProgramNode): boolean {
  const { alpha, bias, beta } = attributes as Record<'alpha' | 'bias' | 'beta', number>;
  return [alpha, bias, Math.abs(beta)].every((number) => number >= 0 && number <= 2 ** 20);
}

const isFloat: Rule = ({ inputSpecs }) => inputSpecs.every(({ dtype }) => dtype === 'float32');

const takesExactly =
  (...names: readonly string[]): Rule =>
  ({ attributes, outputSpecs }) =>
    outputSpecs[0]!.dtype === 'float32' || names.every((name) => isExact(attributes[name]));

/** Ops of `@tensorflow/tfjs-backend-webgpu` 4.22.0 with what must hold for them. */
const RULES: Readonly<Record<string, Rule>> = {
  // Follow any index to the nearest one that is there.
  Bincount: never,
  DenseBincount: never,
  UnsortedSegmentSum: never,
  // Takes another number for boxes beyond the image.
  CropAndResize: never,
  // Passes over windows.
  MaxPool3DGrad: never,
  // Have other numbers for windows that lie beside the image.
  AvgPool: hasNoEmptyWindow,
  AvgPool3D: hasNoEmptyWindow,
  MaxPool: hasNoEmptyWindow,
  MaxPool3D: hasNoEmptyWindow,
  MaxPoolWithArgmax: hasNoEmptyWindow,
  // Starts over with an operand's first matrix where a batch ends.
  BatchMatMul: (node) => !repeatsBatches(node),
  // Know weights along the last dimensions only.
  _FusedMatMul: hasSimpleWeights,
  FusedConv2D: hasSimpleWeights,
  FusedDepthwiseConv2D: hasSimpleWeights,
  // Have another number for a division of truths by zero.
  FloorDiv: isFloat,
  Mod: isFloat,
  Pow: isFloat,
  // Take numbers as float32.
  Fill: takesExactly('value'),
  OneHot: takesExactly('onValue', 'offValue'),
  PadV2: takesExactly('constantValue'),
  // Have no number for a negative sum's power, and lose small ones beside large ones.
  LRN: normalizesSimply,
  LRNGrad: normalizesSimply,
  // Divides by zero for a single number, and adds up rounding errors.
  LinSpace: never,
  // Draws the same numbers each time where no seed is given.
  Multinomial: ({ attributes }) => Number.isFinite(attributes['seed']),
  // Spreads nothing where the gradient has one row or column.
  ResizeBilinearGrad: ({ attributes }) => attributes['alignCorners'] !== true,
  // Rounds the fill value to two digits, and takes it for a fourth channel, too.
  RotateWithOffset: never,
  // Add up, or leave to chance, what is put at the same place.
  SparseToDense: never,
  TensorScatterUpdate: never,
  // Sorts where no order is asked for.
  TopK: ({ attributes }) => attributes['sorted'] === true,
  // Knows one transform for each image.
  Transform: ({ inputSpecs: [image, transforms] }) => image!.shape[0] === transforms!.shape[0],
};

/** Shaders may take it for granted that numbers are finite. */
const NUMBERS: NumberRules = { takeInfinity: new Set(['ClipByValue', 'Fill', 'PadV2']) };

/** Kernels of ops that the table cannot describe may be given any inputs, which the cpu kernels survive. */
function ruleOf(op: string): Rule | undefined {
  if (Object.hasOwn(RULES, op)) return RULES[op];
  return isExcluded(op) ? () => false : undefined;
}

/** Whether every tensor of the node can be bound to a shader, which takes so many bytes of each at most. */
export function isBindable({ inputSpecs, outputSpecs }: ProgramNode, limitBytes: number): boolean {
  return [...inputSpecs, ...outputSpecs].every((spec) => gpuBytes(spec) <= limitBytes);
}

/** Whether WebGPU's kernel computes the same for a node that has elements. */
export function isSameOnWebGpu(node: ProgramNode): boolean {
  // What is made of nothing differs, and nothing cannot be bound.
  if (node.inputSpecs.some(({ shape }) => elementCount(shape) === 0)) return false;
  return (ruleOf(node.op)?.(node) ?? true) && takesIntegers(node) && takesNumbers(node, NUMBERS);
}
