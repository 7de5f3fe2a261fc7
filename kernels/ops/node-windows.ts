/** The windows of a node: where those of a convolution, a pool or a gradient of these lie on its image. */
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
  readonly dataFormat?: string;
  readonly filterSize: Arguments3D[1] & [number, number];
  readonly filterShape: Shape;
  readonly inputShape: Shape;
}

/** Windows along one dimension of the image. */
export interface Dimension {
  readonly length: number;
  readonly outputLength: number;
  /** From a window's first element to its last one. */
  readonly filterLength: number;
  readonly stride: number;
  readonly dilation: number;
  /** Padding. Less than nothing where a filter steps over several elements, in three dimensions only. */
  readonly before: number;
  readonly after: number;
}

export interface Windows {
  readonly padding: backend_util.PadInfo['type'];
  /** In the order of the tensor's. */
  readonly dimensions: readonly Dimension[];
}

/** Pools that know no rounding mode; see the op table. */
const TRUNCATE: ReadonlySet<string> = new Set(['AvgPoolGrad', 'MaxPoolWithArgmax']);

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

/** The windows of a convolution, a pool or a gradient of these; of any other op it is not to be asked. */
export function windowsOf(node: ProgramNode): Windows {
  return node.op.includes('3D') ? windows3D(node) : windows2D(node);
}

function windows2D(node: ProgramNode): Windows {
  const { op } = node;
  const { strides, dilations, pad, dimRoundingMode, dataFormat, filterSize } = attributesOf(node);
  const image = imageOf(node) as Arguments2D[0];
  const rounding = TRUNCATE.has(op) ? undefined : dimRoundingMode;
  const info: Windows2D = op.includes('Pool')
    ? backend_util.computePool2DInfo(image, filterSize, strides, 1, pad, rounding)
    : backend_util.computeConv2DInfo(
        image,
        filterOf(node) as Arguments2D[1],
        strides,
        // Keras leaves dilations null where there are none.
        dilations ?? 1,
        pad,
        rounding,
        op.includes('Depthwise'),
        dataFormat === 'NCHW' ? 'channelsFirst' : 'channelsLast',
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

/** Whether the output is as long as rounding down makes it, whatever `dimRoundingMode` says. */
export function isRoundedDown(dimension: Dimension): boolean {
  const { length, outputLength, filterLength, stride, before, after } = dimension;
  return Math.floor((length + before + after - filterLength) / stride) + 1 === outputLength;
}

/** The convolution, whose channels are last and whose windows are rounded down, with its padding spelled out for each side. */
export function withPaddingOf(node: ProgramNode, { dimensions }: Windows): ProgramNode {
  const sides = dimensions.map(({ before, after }): readonly number[] => [before, after]);
  const pad: readonly (readonly number[])[] = [[0, 0], ...sides, [0, 0]];
  return { ...node, attributes: { ...node.attributes, pad, dimRoundingMode: 'floor' } };
}
