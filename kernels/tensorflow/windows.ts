/** Convolutions and pools: which windows TensorFlow's kernels know. */
import { backend_util } from '@tensorflow/tfjs-core';
import type { ProgramNode } from '../../scheduler/kernel.js';
import type { Shape } from '../../scheduler/tensor.js';

type Windows2D = backend_util.Conv2DInfo;
type Windows3D = backend_util.Conv3DInfo;
type Windows = Windows2D | Windows3D;

type Arguments2D = Parameters<typeof backend_util.computeConv2DInfo>;
type Arguments3D = Parameters<typeof backend_util.computePool3DInfo>;

/** The attributes read here, as the op table has checked them. */
interface WindowAttributes {
  readonly strides: Arguments2D[2] & Arguments3D[2];
  readonly dilations?: Arguments2D[3] | null;
  readonly pad: Arguments2D[4] & Arguments3D[4];
  readonly dimRoundingMode?: Arguments2D[5];
  readonly filterSize: Arguments3D[1] & [number, number];
  readonly filterShape: Shape;
  readonly inputShape: Shape;
}

const POOLS: ReadonlySet<string> = new Set(['AvgPool', 'AvgPoolGrad', 'MaxPool', 'MaxPoolGrad']);
const POOLS_3D: ReadonlySet<string> = new Set(['AvgPool3D', 'AvgPool3DGrad', 'MaxPool3D', 'MaxPool3DGrad']);

function windowsOf(node: ProgramNode): Windows {
  const { strides, dilations, pad, dimRoundingMode, filterSize } =
    node.attributes as unknown as WindowAttributes;
  const image = imageOf(node);
  if (POOLS.has(node.op))
    return backend_util.computePool2DInfo(
      image as Arguments2D[0],
      filterSize,
      strides,
      1,
      pad,
      dimRoundingMode,
    );
  if (POOLS_3D.has(node.op))
    return backend_util.computePool3DInfo(
      image as Arguments3D[0],
      filterSize,
      strides,
      1,
      pad,
      dimRoundingMode,
    );
  return backend_util.computeConv2DInfo(
    image as Arguments2D[0],
    filterOf(node) as Arguments2D[1],
    strides,
    // Keras leaves dilations null where there are none.
    dilations ?? 1,
    pad,
    dimRoundingMode,
    node.op.includes('Depthwise'),
  );
}

function inputShape({ inputNames, inputSpecs }: ProgramNode, name: string): Shape | undefined {
  return inputSpecs[inputNames.indexOf(name)]?.shape;
}

/** The image that windows lie on. */
function imageOf(node: ProgramNode): Shape {
  const { inputShape: given } = node.attributes as unknown as WindowAttributes;
  return (inputShape(node, 'input') ?? inputShape(node, 'x') ?? given)!;
}

function filterOf(node: ProgramNode): Shape {
  return inputShape(node, 'filter') ?? (node.attributes as unknown as WindowAttributes).filterShape;
}

/** Whether there is no padding, or as much as 'same' takes. */
export function hasPlainPadding(node: ProgramNode): boolean {
  const { type } = windowsOf(node).padInfo;
  return type === 'VALID' || type === 'SAME';
}

/** Whether no window reaches beyond the image. */
export function hasEvenGradient(node: ProgramNode): boolean {
  const { padInfo } = windowsOf(node);
  const { front = 0, back = 0 } = padInfo as Windows3D['padInfo'];
  const { top, bottom, left, right } = padInfo;
  return hasPlainPadding(node) && [front, back, top, bottom, left, right].every((length) => length <= 0);
}

/** Whether windows step as far in rows as in columns, over adjacent elements. */
export function hasPlainSteps(node: ProgramNode): boolean {
  const { strideHeight, strideWidth, dilationHeight, dilationWidth } = windowsOf(node);
  return strideHeight === strideWidth && dilationHeight === 1 && dilationWidth === 1;
}

/** Whether no window is cut off at the end of its image, as `dimRoundingMode: 'ceil'` may have it. */
export function hasFullFilters(node: ProgramNode): boolean {
  const windows = windowsOf(node) as Windows2D;
  if (windows.padInfo.type === 'SAME') return true;
  const { padInfo, inHeight, inWidth, outHeight, outWidth, strideHeight, strideWidth } = windows;
  const { effectiveFilterHeight: height, effectiveFilterWidth: width } = windows;
  return (
    Math.floor((inHeight + padInfo.top + padInfo.bottom - height) / strideHeight) + 1 === outHeight &&
    Math.floor((inWidth + padInfo.left + padInfo.right - width) / strideWidth) + 1 === outWidth
  );
}

/** The node of a convolution with padding given by a number spelled out, which tfjs-node's kernels take only so. */
export function withExplicitPadding(node: ProgramNode): ProgramNode {
  if (typeof node.attributes['pad'] !== 'number' || POOLS.has(node.op) || POOLS_3D.has(node.op)) return node;
  const { top, bottom, left, right } = windowsOf(node).padInfo;
  const pad: readonly (readonly number[])[] = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  return { ...node, attributes: { ...node.attributes, pad, dimRoundingMode: 'floor' } };
}
