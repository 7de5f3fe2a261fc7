/**
 * Ops that take indices: which indices they accept, and what becomes of others. Feeds are untrusted, and kernels follow
 * an index into memory that is not theirs, so every device checks them before a kernel runs.
 */
import { curfewError } from '../../scheduler/errors.js';
import type { ProgramNode } from '../../scheduler/kernel.js';
import type { Shape } from '../../scheduler/tensor.js';

/** The elements of an int32 input, by its name. */
export type ReadIndices = (input: string) => Int32Array;

/** Throws KERNEL_FAILED, naming the node, unless all indices are in their ranges. */
export type IndexCheck = (read: ReadIndices) => void;

/** An op whose nodes fail for an index outside its range. */
export interface IndexedOp {
  /** The input that holds the indices. */
  readonly input: string;
  /**
   * Upper bounds, excluded, one for each component of an index; the lower one is 0. An index of several components is a
   * row of the last dimension.
   */
  limits(node: ProgramNode, read: ReadIndices): readonly number[];
}

function specOf(node: ProgramNode, input: string) {
  return node.inputSpecs[node.inputNames.indexOf(input)]!;
}

/** Components of an index; those of rank 1 or less are single numbers. */
function depthOf(node: ProgramNode, input: string): number {
  const { shape } = specOf(node, input);
  return shape.length > 1 ? shape.at(-1)! : 1;
}

/** Indices of the first dimension of an input. */
function rowsOf(input: string, rows: string): IndexedOp {
  return { input, limits: (node) => specOf(node, rows).shape.slice(0, 1) };
}

/** Counts what is below `size` and passes over what is above. */
const COUNTED: IndexedOp = { input: 'x', limits: () => [2 ** 31] };

/**
 * Ops that refuse indices outside their range, counts included, as TensorFlow does, whatever TensorFlow.js's kernels do: some
 * throw, some take undefined elements, some leave the tensor.
 */
export const INDEXED_OPS: Readonly<Record<string, IndexedOp>> = {
  GatherV2: {
    input: 'indices',
    limits(node) {
      const { shape } = specOf(node, 'x');
      return [shape.at(node.attributes['axis'] as number)!];
    },
  },
  GatherNd: {
    input: 'indices',
    limits: (node) => specOf(node, 'params').shape.slice(0, specOf(node, 'indices').shape.at(-1)),
  },
  ScatterNd: {
    input: 'indices',
    limits: (node) => (node.attributes['shape'] as Shape).slice(0, depthOf(node, 'indices')),
  },
  TensorScatterUpdate: {
    input: 'indices',
    limits: (node) => specOf(node, 'tensor').shape.slice(0, depthOf(node, 'indices')),
  },
  SparseToDense: {
    input: 'sparseIndices',
    limits: (node) => node.attributes['outputShape'] as Shape,
  },
  SparseReshape: {
    input: 'inputIndices',
    limits: (_node, read) => [...read('inputShape')],
  },
  CropAndResize: rowsOf('boxInd', 'image'),
  SparseSegmentMean: rowsOf('indices', 'data'),
  SparseSegmentSum: rowsOf('indices', 'data'),
  Bincount: COUNTED,
  DenseBincount: COUNTED,
};

/** Ops that take any index, with the input that holds them and what one outside its range does. */
export const HARMLESS_OPS: Readonly<Record<string, { readonly input: string; readonly outside: string }>> = {
  OneHot: { input: 'indices', outside: 'the row is all offValue' },
  UnsortedSegmentSum: { input: 'segmentIds', outside: 'the row of x is left out' },
};

/** The check of a node's indices; `undefined` where none can do harm. */
export function indexCheck(node: ProgramNode): IndexCheck | undefined {
  const op = Object.hasOwn(INDEXED_OPS, node.op) ? INDEXED_OPS[node.op]! : undefined;
  if (op === undefined) return undefined;
  return (read) => {
    const indices = read(op.input);
    const limits = op.limits(node, read);
    const place = limits.length === 1 ? firstOutside(indices, limits[0]!) : firstRowOutside(indices, limits);
    if (place >= 0) throw outOfRange(node, op.input, limits, indices, place);
  };
}

/** Place of the first index outside, or -1. */
function firstOutside(indices: Int32Array, limit: number): number {
  for (let place = 0; place < indices.length; place++) {
    // A negative one is large without its sign.
    if (indices[place]! >>> 0 >= limit) return place;
  }
  return -1;
}

/** Place of the first component outside, or -1. */
function firstRowOutside(indices: Int32Array, limits: readonly number[]): number {
  const depth = limits.length;
  for (let start = 0; start < indices.length && depth > 0; start += depth) {
    for (let component = 0; component < depth; component++) {
      if (indices[start + component]! >>> 0 >= limits[component]!) return start + component;
    }
  }
  return -1;
}

function outOfRange(
  node: ProgramNode,
  input: string,
  limits: readonly number[],
  indices: Int32Array,
  place: number,
): Error {
  const limit = limits[place % limits.length]!;
  const range = limit > 0 ? `from 0 to ${limit - 1}` : 'for none of 0 places';
  const expected = limits.length === 1 ? range : `${range} as component ${place % limits.length}`;
  const received = indices[place]!;
  return curfewError(
    'KERNEL_FAILED',
    `node "${node.name}" (${node.op}): expected ${input} ${expected}, received ${received} at element ${place}`,
    { node: node.name, expected: `${input} ${expected}`, received },
  );
}
