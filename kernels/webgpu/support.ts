/** Which nodes WebGPU's kernels compute as the cpu kernels do; the rest run on the cpu kernels. */
import type { ProgramNode } from '../../scheduler/kernel.js';
import { elementCount } from '../../scheduler/tensor.js';
import { isExcluded } from '../ops/excluded.js';
import { gpuBytes } from './tensor.js';

/** What must hold for a node to be the same on WebGPU. */
type Rule = (node: ProgramNode) => boolean;

const never: Rule = () => false;

/** Whether a float32 holds the number as it is. */
function isExact(value: unknown): boolean {
  return Number.isInteger(value) && Math.abs(value as number) <= 2 ** 24;
}

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
  // Take numbers as float32.
  PadV2: ({ inputSpecs: [x], attributes }) => x!.dtype === 'float32' || isExact(attributes['constantValue']),
  // Knows one transform for each image.
  Transform: ({ inputSpecs: [image, transforms] }) => image!.shape[0] === transforms!.shape[0],
};

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
  return ruleOf(node.op)?.(node) ?? true;
}
