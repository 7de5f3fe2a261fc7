/**
 * Ops whose outputs are as large as the values of their inputs say. Feeds are untrusted, and kernels allocate before
 * anybody sees a shape: one int32 may ask for gigabytes. What the graph declares is the bound, so every device checks it
 * before a kernel runs.
 */
import { curfewError } from '../../scheduler/errors.js';
import type { ProgramNode } from '../../scheduler/kernel.js';
import type { ReadIndices } from './index-bounds.js';

/** Throws KERNEL_FAILED, naming the node, unless its inputs ask for no more than the graph declares. */
export type SizeCheck = (read: ReadIndices) => void;

/** How an op takes its size from values. */
export interface SizedOp {
  /** The inputs that decide, as messages name them. */
  readonly inputs: string;
  /** The output whose first dimension they decide. One that the graph does not declare may have no rows. */
  readonly output: number;
  /** Rows that the output gets at least. What a kernel allocates beyond them is in proportion to its inputs. */
  rows(read: ReadIndices): number;
}

/** The last id decides, as ids ascend; kernels refuse others, but some only after they have allocated. */
const SEGMENTS: SizedOp = {
  inputs: 'segmentIds',
  output: 0,
  rows: (read) => read('segmentIds').reduce((rows, id) => Math.max(rows, id + 1), 0),
};

/** `RaggedGather` and `RaggedTensorToTensor` are not among them: they take lists of tensors, which no node can name. */
export const SIZED_OPS: Readonly<Record<string, SizedOp>> = {
  SparseSegmentMean: SEGMENTS,
  SparseSegmentSum: SEGMENTS,
  // Each row that is not there yet is filled, so there are at least as many as the dense tensor has.
  SparseFillEmptyRows: { inputs: 'denseShape', output: 0, rows: (read) => read('denseShape')[0] ?? 0 },
  RaggedRange: { inputs: 'starts, limits, deltas', output: 1, rows: rangeElements },
};

/** Elements of all ranges together; each input has one value per range, or one for all. */
function rangeElements(read: ReadIndices): number {
  const [starts, limits, deltas] = [read('starts'), read('limits'), read('deltas')];
  const ranges = Math.max(starts.length, limits.length, deltas.length);
  const at = (values: Int32Array, range: number) => values[values.length === 1 ? 0 : range]!;
  let elements = 0;
  for (let range = 0; range < ranges; range++) {
    const delta = at(deltas, range);
    const length = Math.ceil((at(limits, range) - at(starts, range)) / delta);
    // Kernels refuse a delta of 0 themselves, and a NaN counts for nothing.
    if (delta !== 0 && length > 0) elements += length;
  }
  return elements;
}

/** The check of what a node's inputs ask for; `undefined` where values decide no size. */
export function sizeCheck(node: ProgramNode): SizeCheck | undefined {
  const op = Object.hasOwn(SIZED_OPS, node.op) ? SIZED_OPS[node.op]! : undefined;
  if (op === undefined) return undefined;
  const { inputs, output } = op;
  const declared = node.outputSpecs[output]?.shape[0] ?? 0;
  return (read) => {
    const rows = op.rows(read);
    if (!(rows > declared)) return;
    throw curfewError(
      'KERNEL_FAILED',
      `node "${node.name}" (${node.op}): expected ${inputs} for ${declared} rows of output ${output} at most, received ${rows}`,
      { node: node.name, expected: declared, received: rows },
    );
  };
}
