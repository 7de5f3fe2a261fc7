/**
 * Kernels in the place of tfjs-node's, out of TensorFlow's ops all the same: where tfjs-node's fail or read values while they
 * run, and the cpu kernels would cost copies.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { ProgramNode } from '../../scheduler/kernel.js';
import { sameShape } from '../../scheduler/tensor.js';
import type { OpAttribute } from './addon.js';
import type { StockPackage } from './stock-package.js';

type Inputs = Readonly<Record<string, tf.Tensor>>;
type Attributes = Readonly<Record<string, unknown>>;

/** Computes a node of private tensors. */
type Compute = (inputs: Inputs, attributes: Attributes, stock: StockPackage) => unknown;

/** A kernel for some nodes of an op. */
type Choose = (node: ProgramNode) => Compute | undefined;

const KERNELS: Readonly<Record<string, Choose>> = {
  // TensorFlow's takes two or more.
  Concat: ({ inputs }) => (inputs.length === 1 ? (parts) => parts[0] : undefined),
  // The kernel reads all indices to check them, which has been done.
  GatherV2: () => gather,
  // The kernel's op knows images with a mean, a variance and so on for each channel.
  FusedBatchNorm: (node) => (isPerChannel(node) ? undefined : normalize),
  // The op seeks the maxima given in the images, where TensorFlow.js finds them anew.
  MaxPool3DGrad: () => maxPool3DGrad,
  // The kernel has the op refuse indices that are not sorted, or there twice.
  SparseToDense: () => sparseToDense,
  // The op refuses ids beyond the segments and keeps the dtype.
  UnsortedSegmentSum: () => sumSegments,
};

/** The kernel to call for a node instead of tfjs-node's, if there is one. */
export function ownKernel(node: ProgramNode, stock: StockPackage): tf.KernelFunc | undefined {
  const compute = Object.hasOwn(KERNELS, node.op) ? KERNELS[node.op]!(node) : undefined;
  if (compute === undefined) return undefined;
  return ({ inputs, attrs }) =>
    compute(inputs as unknown as Inputs, attrs as unknown as Attributes, stock) as tf.TensorInfo;
}

function isPerChannel({ inputSpecs: [x, ...statistics] }: ProgramNode): boolean {
  return x!.shape.length === 4 && statistics.every(({ shape }) => sameShape(shape, x!.shape.slice(-1)));
}

/** An attribute of a TensorFlow op that is a dtype. */
function typeAttribute({ backend }: StockPackage, name: string, dtype: tf.DataType): OpAttribute {
  return { name, type: backend.binding.TF_ATTR_TYPE, value: backend.getDTypeInteger(dtype) };
}

function gather({ x, indices }: Inputs, { axis, batchDims }: Attributes, stock: StockPackage) {
  const { core, backend } = stock;
  return backend.executeSingleOutput(
    'GatherV2',
    [
      { name: 'batch_dims', type: backend.binding.TF_ATTR_INT, value: batchDims },
      typeAttribute(stock, 'Tparams', x!.dtype),
      typeAttribute(stock, 'Tindices', indices!.dtype),
      typeAttribute(stock, 'Taxis', 'int32'),
    ],
    [x!, indices!, core.scalar(axis as number, 'int32')],
  );
}

function sparseToDense(
  { sparseIndices, sparseValues, defaultValue }: Inputs,
  { outputShape }: Attributes,
  stock: StockPackage,
) {
  const { core, backend } = stock;
  return backend.executeSingleOutput(
    'SparseToDense',
    [
      { name: 'validate_indices', type: backend.binding.TF_ATTR_BOOL, value: false },
      typeAttribute(stock, 'T', sparseValues!.dtype),
      typeAttribute(stock, 'Tindices', 'int32'),
    ],
    [sparseIndices!, core.tensor1d(outputShape as number[], 'int32'), sparseValues!, defaultValue!],
  );
}

function normalize(
  { x, mean, variance, scale, offset }: Inputs,
  { varianceEpsilon }: Attributes,
  { core }: StockPackage,
) {
  const deviation = core.rsqrt(core.add(variance!, core.scalar(varianceEpsilon as number)));
  const factor = scale === undefined ? deviation : core.mul(deviation, scale);
  const normal = core.mul(core.sub(x!, mean!), factor);
  return offset === undefined ? normal : core.add(normal, offset);
}

function maxPool3DGrad(inputs: Inputs, attrs: Attributes, { backend, kernel }: StockPackage) {
  const call = (op: string, given: object) =>
    kernel(op)!({
      inputs: given as tf.NamedTensorInfoMap,
      attrs: attrs as unknown as tf.NamedAttrMap,
      backend,
    });
  const output = call('MaxPool3D', { x: inputs['input'] });
  return call('MaxPool3DGrad', { ...inputs, output });
}

function sumSegments(
  { x, segmentIds }: Inputs,
  { numSegments }: Attributes,
  { core, kernel, backend }: StockPackage,
) {
  const isInside = core.less(segmentIds!, core.scalar(numSegments as number, 'int32'));
  // The op leaves rows of negative ids out.
  const ids = core.where(isInside, segmentIds!, core.scalar(-1, 'int32'));
  return kernel('UnsortedSegmentSum')!({
    inputs: { x: core.cast(x!, 'float32'), segmentIds: ids },
    attrs: { numSegments: numSegments as number },
    backend,
  });
}
