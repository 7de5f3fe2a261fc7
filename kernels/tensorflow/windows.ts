/** Convolutions and pools: which windows TensorFlow's kernels know. */
import { backend_util } from '@tensorflow/tfjs-core';
import type { ProgramNode } from '../../scheduler/kernel.js';
import type { Shape } from '../../scheduler/tensor.js';

type Windows2D = backend_util.Conv2DInfo;
type Windows3D = backend_util.Conv3DInfo;
type Arguments2D = Parameters<typeof backend_util.computeConv2DInfo>;
type Arguments3D = Parameters<typeof backend_util.computePool3DInfo>;

/** The attributes read here, as the op table has checked them. */
interface WindowAttributes {
  readonly strides: Arguments2D[2] & Arguments3D[2];
  readonly dilations?: (Arguments2D[3] & Arguments3D[3]) | null;
  readonly pad: Arguments2D[4] & Arguments3D[4];
  readonly dimRoundingMode?: Arguments2D[5];
  readonly filterSize: Arguments3D[1] & [number, number];
  readonly filterShape: Shape;
  readonly inputShape: Shape;
}

/** Ops whose kernels take padding for each side. */
const EXPLICIT: ReadonlySet<string> = new Set([
  ...['Conv2D', 'DepthwiseConv2dNative', 'FusedConv2D', 'FusedDepthwiseConv2D'],
]);

/** Windows along one dimension of the image. */
interface Dimension {
  readonly length: number;
  readonly outputLength: number;
  /** From a window's first element to its last one. */
  readonly filterLength: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}

interface Windows {
  readonly padding: string;
  readonly dimensions: readonly Dimension[];
}

const attributesOf = (node: ProgramNode) => node.attributes as unknown as WindowAttributes;

function inputShape({ inputNames, inputSpecs }: ProgramNode, name: string): Shape | undefined {
  return inputSpecs[inputNames.indexOf(name)]?.shape;
}

/** The image that windows lie on. */
function imageOf(node: ProgramNode): Shape {
  return (inputShape(node, 'input') ?? inputShape(node, 'x') ?? attributesOf(node).inputShape)!;
}

function filterOf(node: ProgramNode): Shape {
  return inputShape(node, 'filter') ?? attributesOf(node).filterShape;
}

function windowsOf(node: ProgramNode): Windows {
  return node.op.includes('3D') ? windows3D(node) : windows2D(node);
}

function windows2D(node: ProgramNode): Windows {
  const { strides, dilations, pad, dimRoundingMode, filterSize } = attributesOf(node);
  const image = imageOf(node) as Arguments2D[0];
  const info: Windows2D = node.op.includes('Pool')
    ? backend_util.computePool2DInfo(image, filterSize, strides, 1, pad, dimRoundingMode)
    : backend_util.computeConv2DInfo(
        image,
        filterOf(node) as Arguments2D[1],
        strides,
        // Keras leaves dilations null where there are none.
        dilations ?? 1,
        pad,
        dimRoundingMode,
        node.op.includes('Depthwise'),
      );
  return { padding: info.padInfo.type, dimensions: [rows(info), columns(info)] };
}

function windows3D(node: ProgramNode): Windows {
  const { strides, dilations, pad, dimRoundingMode, filterSize } = attributesOf(node);
  const image = imageOf(node) as Arguments3D[0];
  const info: Windows3D = node.op.includes('Pool')
    ? backend_util.computePool3DInfo(image, filterSize, strides, 1, pad, dimRoundingMode)
    : backend_util.computeConv3DInfo(image, filterOf(node) as Arguments3D[0], strides, dilations ?? 1, pad);
  const planes: Dimension = {
    length: info.inDepth,
    outputLength: info.outDepth,
    filterLength: info.effectiveFilterDepth,
    stride: info.strideDepth,
    dilation: info.dilationDepth,
    before: info.padInfo.front,
    after: info.padInfo.back,
  };
  return { padding: info.padInfo.type, dimensions: [planes, rows(info), columns(info)] };
}

const rows = (info: Windows2D | Windows3D): Dimension => ({
  length: info.inHeight,
  outputLength: info.outHeight,
  filterLength: info.effectiveFilterHeight,
  stride: info.strideHeight,
  dilation: info.dilationHeight,
  before: info.padInfo.top,
  after: info.padInfo.bottom,
});

const columns = (info: Windows2D | Windows3D): Dimension => ({
  length: info.inWidth,
  outputLength: info.outWidth,
  filterLength: info.effectiveFilterWidth,
  stride: info.strideWidth,
  dilation: info.dilationWidth,
  before: info.padInfo.left,
  after: info.padInfo.right,
});

/** Whether the output is as long as TensorFlow makes it, which rounds down whatever `dimRoundingMode` says. */
function hasLength({ length, outputLength, filterLength, stride, before, after }: Dimension): boolean {
  return Math.floor((length + before + after - filterLength) / stride) + 1 === outputLength;
}

/** Whether the padding is TensorFlow's: none, as much as 'same' takes, or given for each side. */
export function hasPadding(node: ProgramNode): boolean {
  const { padding, dimensions } = windowsOf(node);
  // A filter of one element that steps over several leaves less than nothing to pad, in three dimensions only.
  if (padding === 'SAME')
    return dimensions.every(
      ({ length, outputLength, stride, before, after }) =>
        outputLength === Math.ceil(length / stride) && before >= 0 && after >= 0,
    );
  return dimensions.every(hasLength);
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
  const sides = windowsOf(node).dimensions.map(({ before, after }): readonly number[] => [before, after]);
  const pad: readonly (readonly number[])[] = [[0, 0], ...sides, [0, 0]];
  return { ...node, attributes: { ...node.attributes, pad, dimRoundingMode: 'floor' } };
}
