/** Ops that TensorFlow.js has and the table cannot describe, with the reason that errors give. */
import type { ProgramNode } from '../../scheduler/kernel.js';
import { elementCount } from '../../scheduler/tensor.js';

function all(names: readonly string[], reason: string): [string, string][] {
  return names.map((name) => [name, reason]);
}

/** Ops whose output shapes depend on the values of their inputs, by reason. */
export const DATA_DEPENDENT_OPS: ReadonlyMap<string, string> = new Map([
  ...all(['Where', 'Unique'], 'the number of elements found is known only after running it'),
  ...all(
    ['NonMaxSuppressionV3', 'NonMaxSuppressionV5'],
    'the number of boxes kept is known only after running it',
  ),
  ...all(
    ['NonMaxSuppressionV4'],
    'its output has a fixed size only when padded, which the table does not tell',
  ),
  ...all(
    ['RaggedGather', 'RaggedRange', 'RaggedTensorToTensor'],
    'lengths of ragged rows are known only after running it',
  ),
  ...all(['SparseFillEmptyRows'], 'the number of empty rows is known only after running it'),
  ...all(['SparseSegmentMean', 'SparseSegmentSum'], 'the number of segments is known only after running it'),
]);

/** Ops on what no `TensorSpec` can say, by reason. */
export const UNREPRESENTABLE_OPS: ReadonlyMap<string, string> = new Map([
  ...all(['Complex', 'ComplexAbs', 'FFT', 'IFFT', 'Imag', 'Real'], 'complex tensors are not supported'),
  ...all(
    ['StaticRegexReplace', 'StringNGrams', 'StringSplit', 'StringToHashBucketFast'],
    'string tensors are not supported',
  ),
  ...all(['Draw', 'FromPixels'], 'it works on a canvas, which is no tensor'),
]);

/** Why the table does not describe the op, and what to do instead. */
export function explainMissing(op: string): string {
  const reason = DATA_DEPENDENT_OPS.get(op) ?? UNREPRESENTABLE_OPS.get(op);
  if (reason === undefined) return 'the op table does not have it; give its output specs in options.outputs';
  return `${reason}; compute it in a host node (GraphBuilder.host), or outside the graph`;
}

/** Whether the table cannot describe the op: its inputs and attributes are unchecked, and its output specs are a claim. */
export function isExcluded(op: string): boolean {
  return DATA_DEPENDENT_OPS.has(op) || UNREPRESENTABLE_OPS.has(op);
}

/** Whether there is nothing to compute, as no output has elements. Many kernels trap on that, or never end. */
export function isWithoutElements({ op, outputSpecs }: ProgramNode): boolean {
  return !isExcluded(op) && outputSpecs.every(({ shape }) => elementCount(shape) === 0);
}
