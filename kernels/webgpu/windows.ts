/** Pools: whether each of their windows lies on the image, if only with its edge. */
import type { ProgramNode } from '../../scheduler/kernel.js';

/** A number for all dimensions or one for each. */
type PerDimension = number | readonly number[];

interface PoolAttributes {
  readonly filterSize: PerDimension;
  readonly strides: PerDimension;
  /** `'same'`, `'valid'`, a number for all sides, or a pair for each dimension of the tensor. */
  readonly pad: string | number | readonly (readonly number[])[];
  readonly dataFormat?: string;
}

const along = (value: PerDimension, dimension: number): number =>
  typeof value === 'number' ? value : value[dimension]!;

/** Whether no window of the pool is without elements. Padding that is named leaves none. */
export function hasNoEmptyWindow({ attributes, inputSpecs, outputSpecs }: ProgramNode): boolean {
  const { filterSize, strides, pad, dataFormat } = attributes as unknown as PoolAttributes;
  if (typeof pad === 'string') return true;
  if (dataFormat?.startsWith('NC') === true) return false;
  const lengths = inputSpecs[0]!.shape.slice(1, -1);
  const outputLengths = outputSpecs[0]!.shape.slice(1, -1);
  return lengths.every((length, dimension) => {
    const before = typeof pad === 'number' ? pad : pad[dimension + 1]![0]!;
    const lastStart = (outputLengths[dimension]! - 1) * along(strides, dimension) - before;
    return before < along(filterSize, dimension) && lastStart < length;
  });
}
