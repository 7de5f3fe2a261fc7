/** Which nodes tfjs-node's kernels take and compute as the cpu kernels do; the rest run on the cpu kernels. */
import type { ProgramNode } from '../../scheduler/kernel.js';
import { elementCount } from '../../scheduler/tensor.js';
import { isExcluded } from '../ops/excluded.js';
import { hasEvenGradient, hasFullFilters, hasPlainPadding, hasPlainSteps } from './windows.js';

/** What must hold for a node to be the same on TensorFlow. */
type Rule = (node: ProgramNode) => boolean;

const never: Rule = () => false;
const takesFloats: Rule = ({ inputSpecs }) => inputSpecs.every(({ dtype }) => dtype === 'float32');
const takesNumbers: Rule = ({ inputSpecs }) => inputSpecs.every(({ dtype }) => dtype !== 'bool');
const isChannelsLast: Rule = ({ attributes }) => (attributes['dataFormat'] ?? 'NHWC') === 'NHWC';
const isFloorOfIntegers: Rule = ({ inputSpecs }) => inputSpecs.every(({ dtype }) => dtype === 'int32');
const all =
  (...rules: readonly Rule[]): Rule =>
  (node) =>
    rules.every((rule) => rule(node));

/** Ops of TensorFlow 2.21 and kernels of tfjs-node 4.22.0 with what must hold for them. */
const RULES: Readonly<Record<string, Rule>> = {
  // Know windows without padding, and with as much as 'same' takes.
  AvgPool: hasPlainPadding,
  AvgPool3D: hasPlainPadding,
  MaxPool: hasPlainPadding,
  MaxPool3D: hasPlainPadding,
  MaxPool3DGrad: hasPlainPadding,
  MaxPoolGrad: hasPlainPadding,
  // Divide by the elements that a window covers; the cpu kernels divide by its size.
  AvgPoolGrad: hasEvenGradient,
  AvgPool3DGrad: hasEvenGradient,
  // Have no kernel for NCHW on the CPU.
  Conv2D: all(isChannelsLast, hasFullFilters),
  FusedConv2D: all(isChannelsLast, hasFullFilters),
  Conv2DBackpropFilter: all(isChannelsLast, hasPlainPadding),
  Conv2DBackpropInput: all(isChannelsLast, hasPlainPadding),
  DepthToSpace: isChannelsLast,
  // Step as far in rows as in columns, and neither skip rows of the image nor elements of the filter.
  DepthwiseConv2dNative: all(hasPlainSteps, hasFullFilters),
  FusedDepthwiseConv2D: all(hasPlainSteps, hasFullFilters),
  DepthwiseConv2dNativeBackpropFilter: all(hasPlainSteps, hasPlainPadding),
  DepthwiseConv2dNativeBackpropInput: all(hasPlainSteps, hasPlainPadding),
  // Are floats in floats out.
  Expm1: takesFloats,
  IsFinite: takesFloats,
  IsInf: takesFloats,
  IsNan: takesFloats,
  LeakyRelu: takesFloats,
  RealDiv: takesFloats,
  Reciprocal: takesFloats,
  Step: takesFloats,
  // Gives zeros for integers.
  Round: takesFloats,
  // Gives floats for floats, where TensorFlow.js gives integers.
  FloorDiv: isFloorOfIntegers,
  Prod: takesNumbers,
  Sum: takesNumbers,
  // Takes logits only.
  Multinomial: ({ attributes }) => attributes['normalized'] !== true,
};

/** Kernels of ops that the table cannot describe may be given any inputs, which the cpu kernels survive. */
function ruleOf(op: string): Rule | undefined {
  if (Object.hasOwn(RULES, op)) return RULES[op];
  return isExcluded(op) ? never : undefined;
}

/** Whether TensorFlow computes the same for a node that has elements. */
export function isSameOnTensorFlow(node: ProgramNode): boolean {
  // What is made of nothing differs: reductions of no elements do.
  if (node.inputSpecs.some(({ shape }) => elementCount(shape) === 0)) return false;
  return ruleOf(node.op)?.(node) ?? true;
}
