/** Convolutions and pools: which windows TensorFlow's kernels know. */
import type { ProgramNode } from '../../scheduler/kernel.js';
import { isRoundedDown, windowsOf, withPaddingOf } from '../ops/node-windows.js';

/** Ops whose kernels take padding for each side. */
const EXPLICIT: ReadonlySet<string> = new Set([
  ...['Conv2D', 'DepthwiseConv2dNative', 'FusedConv2D', 'FusedDepthwiseConv2D'],
]);

/** Whether the padding is TensorFlow's: none, as much as 'same' takes, or given for each side. */
export function hasPadding(node: ProgramNode): boolean {
  const { padding, dimensions } = windowsOf(node);
  if (padding === 'SAME')
    return dimensions.every(
      ({ length, outputLength, stride, before, after }) =>
        outputLength === Math.ceil(length / stride) && before >= 0 && after >= 0,
    );
  return dimensions.every(isRoundedDown);
}

/** Whether the padding is none, or as much as 'same' takes. */
export function hasPlainPadding(node: ProgramNode): boolean {
  const { padding } = windowsOf(node);
  return (padding === 'VALID' || padding === 'SAME') && hasPadding(node);
}

/** Whether no window reaches beyond the image. */
export function hasEvenGradient(node: ProgramNode): boolean {
  return windowsOf(node).dimensions.every(({ before, after }) => before === 0 && after === 0);
}

/** Whether windows step equally far along all dimensions. */
export function hasEvenSteps(node: ProgramNode): boolean {
  const [first, ...others] = windowsOf(node).dimensions;
  return others.every(({ stride }) => stride === first!.stride);
}

/** Whether the elements of a window are adjacent. */
export function isUndilated(node: ProgramNode): boolean {
  return windowsOf(node).dimensions.every(({ dilation }) => dilation === 1);
}

/** Whether windows are as high as wide. */
export function isSquare(node: ProgramNode): boolean {
  const [height, width] = windowsOf(node).dimensions.slice(-2);
  return height!.filterLength === width!.filterLength;
}

/** The node with a padding that is one number spelled out, where the kernel takes it only so. */
export function withExplicitPadding(node: ProgramNode): ProgramNode {
  if (!EXPLICIT.has(node.op) || typeof node.attributes['pad'] !== 'number') return node;
  return withPaddingOf(node, windowsOf(node));
}
