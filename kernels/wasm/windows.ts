/** Convolutions and pools: where XNNPACK's idea of the windows is another than TensorFlow.js's. */
import type { ProgramNode } from '../../scheduler/kernel.js';
import { type Dimension, isRoundedDown, windowsOf, withPaddingOf } from '../ops/node-windows.js';

const CONVOLUTIONS: ReadonlySet<string> = new Set([
  ...['Conv2D', 'DepthwiseConv2dNative', 'FusedConv2D', 'FusedDepthwiseConv2D'],
]);
const POOLS: ReadonlySet<string> = new Set(['AvgPool', 'MaxPool']);

/**
 * Whether XNNPACK does not compute the node, or knows its windows. It rounds output lengths down, whatever `dimRoundingMode`
 * says; then the output has another size and is written as if it had not. Pools have no windows in the padding alone.
 */
export function hasXnnpackWindows(node: ProgramNode): boolean {
  if (CONVOLUTIONS.has(node.op)) return windowsOf(node).dimensions.every(isRoundedDown);
  if (!POOLS.has(node.op)) return true;
  return windowsOf(node).dimensions.every((side) => isRoundedDown(side) && !fitsIntoPadding(side));
}

function fitsIntoPadding({ filterLength, before, after }: Dimension): boolean {
  return Math.max(before, after) >= filterLength;
}

/**
 * The node with `pad: 'same'` spelled out for a convolution whose strides skip more than its filter covers: XNNPACK
 * computes with the negative padding that follows. Its output is rounded up whatever `dimRoundingMode` says.
 */
export function withExplicitPadding(node: ProgramNode): ProgramNode {
  if (node.attributes['pad'] !== 'same' || !CONVOLUTIONS.has(node.op)) return node;
  const windows = windowsOf(node);
  return windows.dimensions.some(skipsInput) ? withPaddingOf(node, windows) : node;
}

function skipsInput({ length, outputLength, filterLength, stride }: Dimension): boolean {
  return (outputLength - 1) * stride + filterLength < length;
}
