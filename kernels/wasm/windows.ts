/** Convolutions and pools: where XNNPACK's idea of the windows is another than TensorFlow.js's. */
import { backend_util } from '@tensorflow/tfjs-core';
import type { Attributes } from '../../scheduler/graph.js';
import type { ProgramNode } from '../../scheduler/kernel.js';

type Windows = backend_util.Conv2DInfo;
type ConvolutionArguments = Parameters<typeof backend_util.computeConv2DInfo>;

/** The attributes read here, as the op table has checked them. */
interface WindowAttributes {
  readonly strides: ConvolutionArguments[2];
  readonly dilations?: ConvolutionArguments[3];
  readonly pad: ConvolutionArguments[4];
  readonly dimRoundingMode?: ConvolutionArguments[5];
  readonly filterSize: number | [number, number];
}

const CONVOLUTIONS: ReadonlySet<string> = new Set(['Conv2D', 'FusedConv2D']);
const DEPTHWISE: ReadonlySet<string> = new Set(['DepthwiseConv2dNative', 'FusedDepthwiseConv2D']);
const POOLS: ReadonlySet<string> = new Set(['AvgPool', 'MaxPool']);

/**
 * Whether the node has no windows, or those that XNNPACK computes. It rounds output lengths down, whatever
 * `dimRoundingMode` says; then the output has another size and is written as if it had not. Pools have no
 * windows in the padding alone.
 */
export function hasXnnpackWindows(node: ProgramNode): boolean {
  const windows = windowsOf(node);
  if (windows === undefined) return true;
  const { padInfo, inHeight, inWidth, outHeight, outWidth, strideHeight, strideWidth } = windows;
  const { effectiveFilterHeight: height, effectiveFilterWidth: width } = windows;
  const { top, bottom, left, right } = padInfo;
  if (POOLS.has(node.op) && (Math.max(top, bottom) >= height || Math.max(left, right) >= width)) return false;
  return (
    Math.floor((inHeight + top + bottom - height) / strideHeight) + 1 === outHeight &&
    Math.floor((inWidth + left + right - width) / strideWidth) + 1 === outWidth
  );
}

/**
 * The node with `pad: 'same'` spelled out for a convolution whose strides skip more than its filter covers: XNNPACK
 * computes with the negative padding that follows. Its output is rounded up whatever `dimRoundingMode` says.
 */
export function withExplicitPadding(node: ProgramNode): ProgramNode {
  if (node.attributes['pad'] !== 'same' || POOLS.has(node.op)) return node;
  const windows = windowsOf(node);
  if (windows === undefined || !skipsInput(windows)) return node;
  const { top, bottom, left, right } = windows.padInfo;
  const pad = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ] as const;
  return { ...node, attributes: { ...node.attributes, pad, dimRoundingMode: 'floor' } satisfies Attributes };
}

function skipsInput(windows: Windows): boolean {
  return (
    (windows.outHeight - 1) * windows.strideHeight + windows.effectiveFilterHeight < windows.inHeight ||
    (windows.outWidth - 1) * windows.strideWidth + windows.effectiveFilterWidth < windows.inWidth
  );
}

function windowsOf({ op, inputSpecs, attributes }: ProgramNode): Windows | undefined {
  const given = attributes as unknown as WindowAttributes;
  const { strides, pad, filterSize, dimRoundingMode } = given;
  // Keras leaves dilations null where there are none.
  const dilations = given.dilations ?? 1;
  const x = inputSpecs[0]?.shape as [number, number, number, number];
  if (POOLS.has(op)) return backend_util.computePool2DInfo(x, filterSize, strides, 1, pad, dimRoundingMode);
  if (!CONVOLUTIONS.has(op) && !DEPTHWISE.has(op)) return undefined;
  const filter = inputSpecs[1]!.shape as ConvolutionArguments[1];
  return backend_util.computeConv2DInfo(
    x,
    filter,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    DEPTHWISE.has(op),
  );
}
