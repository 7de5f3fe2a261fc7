/** Attributes as TensorFlow.js's kernels take them. */
import type { NamedAttrMap } from '@tensorflow/tfjs-core';
import type { Attributes } from '../../scheduler/graph.js';
import type { ProgramNode } from '../../scheduler/kernel.js';

/** Attributes that may be left out and that some kernels take for given. */
const DEFAULTS: Readonly<Record<string, Attributes>> = {
  All: { keepDims: false },
  Any: { keepDims: false },
  BatchMatMul: { transposeA: false, transposeB: false },
  Cumprod: { exclusive: false, reverse: false },
  Cumsum: { exclusive: false, reverse: false },
  DepthwiseConv2dNative: { dataFormat: 'NHWC', dilations: 1 },
  DepthwiseConv2dNativeBackpropFilter: { dilations: 1 },
  DepthwiseConv2dNativeBackpropInput: { dilations: 1 },
  FusedBatchNorm: { varianceEpsilon: 0.001 },
  FusedDepthwiseConv2D: { dataFormat: 'NHWC', dilations: 1 },
  GatherV2: { batchDims: 0 },
  Max: { keepDims: false },
  Mean: { keepDims: false },
  Min: { keepDims: false },
  Prod: { keepDims: false },
  ResizeBilinear: { alignCorners: false, halfPixelCenters: false },
  ResizeBilinearGrad: { alignCorners: false },
  ResizeNearestNeighbor: { alignCorners: false, halfPixelCenters: false },
  ResizeNearestNeighborGrad: { alignCorners: false },
  StridedSlice: { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 },
  Sum: { keepDims: false },
};

/** A copy that kernels may change; what is `null` is left out, for not all of them take it so. */
export function kernelAttributes({ op, attributes }: ProgramNode): NamedAttrMap {
  const defaults = Object.hasOwn(DEFAULTS, op) ? DEFAULTS[op] : {};
  const given = Object.entries(attributes).filter(([, value]) => value !== null && value !== undefined);
  return structuredClone({ ...defaults, ...Object.fromEntries(given) }) as NamedAttrMap;
}
