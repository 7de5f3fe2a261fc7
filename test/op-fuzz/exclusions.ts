/** Where TensorFlow.js's plain kernels are no measure, and why. */
import { broadcastShape, runsAlongEnd } from '../../kernels/ops/specs.js';
import type { Shape } from '../../scheduler/tensor.js';
import type { FuzzCase } from './fuzz-case.js';

/** Calls of an op for which the plain kernel does not count. */
export interface Exclusion {
  readonly op: string;
  readonly reason: string;
  /** Which calls of the op; all when left out. */
  when?(fuzzCase: FuzzCase): boolean;
  /** The plain kernel is put right in `kernels/reference/corrections.ts`, whose result counts instead. */
  readonly corrected?: true;
}

const batchOf = ({ inputs }: FuzzCase, name: string) => inputs[name]!.shape[0]!;

/** Whether an operand's batch is the end of the longest one, or of ones. */
function repeatsAsItLies(shape: Shape, { a, b }: FuzzCase['inputs']): boolean {
  const batches = [a!, b!].map((input) => input.shape.slice(0, -2));
  return runsAlongEnd(shape.slice(0, -2), broadcastShape(batches[0]!, batches[1]!));
}

const EXCLUSIONS: readonly Exclusion[] = [
  { op: 'Multinomial', reason: 'the numbers are drawn by different generators' },
  { op: 'LogicalXor', reason: 'there is no plain kernel', corrected: true },
  {
    op: 'DepthToSpace',
    reason: 'the plain kernel throws for NCHW',
    when: ({ attributes }) => attributes['dataFormat'] === 'NCHW',
    corrected: true,
  },
  {
    op: 'BatchMatMul',
    reason: 'the plain kernel starts over with the first matrix where a batch ends',
    when: ({ inputs }) => !['a', 'b'].every((name) => repeatsAsItLies(inputs[name]!.shape, inputs)),
    corrected: true,
  },
  {
    op: 'ScatterNd',
    reason: 'the plain kernel adds booleans up',
    when: ({ inputs }) => inputs['updates']!.dtype === 'bool',
    corrected: true,
  },
  ...['DepthwiseConv2dNativeBackpropFilter', 'DepthwiseConv2dNativeBackpropInput'].map((op) => ({
    op,
    reason: 'the plain kernel throws without dilations',
    when: ({ attributes }: FuzzCase) => (attributes['dilations'] ?? null) === null,
    corrected: true as const,
  })),
  {
    op: 'StridedSlice',
    reason: 'the plain kernel mixes up the dimensions where an axis is dropped and another has a stride',
    when: ({ attributes }) => attributes['shrinkAxisMask'] !== 0,
    corrected: true,
  },
  {
    op: 'DenseBincount',
    reason: 'the plain kernel counts vectors whatever binaryOutput says',
    when: ({ inputs, attributes }) => inputs['x']!.shape.length === 1 && attributes['binaryOutput'] === true,
    corrected: true,
  },
  {
    op: 'ResizeBilinearGrad',
    reason: 'the plain kernel swaps width and height of the result',
    when: ({ inputs }) => inputs['images']!.shape[1] !== inputs['images']!.shape[2],
    corrected: true,
  },
  {
    op: 'ResizeNearestNeighborGrad',
    reason: 'the plain kernel mixes up the images of a batch',
    when: (fuzzCase) => batchOf(fuzzCase, 'images') > 1,
    corrected: true,
  },
  {
    op: 'Transform',
    reason: 'the plain kernel computes the first image only',
    when: (fuzzCase) => batchOf(fuzzCase, 'image') > 1,
    corrected: true,
  },
];

/** Why the plain kernel does not count for a case, if it does not. */
export function exclusionOf(fuzzCase: FuzzCase): Exclusion | undefined {
  return EXCLUSIONS.find(({ op, when }) => op === fuzzCase.op && (when === undefined || when(fuzzCase)));
}
