/** How results of op cases on WebGPU may differ from the reference's. */
import type { Tensor } from '../../scheduler/tensor.js';
import { difference } from '../support/one-node.js';
import { formatCase, type OpCase } from '../support/op-cases.js';

export const SEED = Number(process.env['CURFEW_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/**
 * Relative, above 1: sums in another order, folded and fused ones too, and functions by other polynomials. The other
 * dtypes are exact.
 */
const FLOAT_TOLERANCE = 1e-3;

const comparable = ({ dtype, shape, data }: Tensor, opCase: OpCase): Tensor =>
  opCase.randomValues ? { dtype, shape, data: data.map(() => 0) } : { dtype, shape, data };

/** What differs beyond that, in words, at most once per output. */
export function caseDifferences(
  opCase: OpCase,
  actual: readonly Tensor[],
  expected: readonly Tensor[],
): string[] {
  return actual.flatMap((tensor, index) => {
    const tolerance = tensor.dtype === 'float32' ? FLOAT_TOLERANCE : 0;
    const words = difference(comparable(tensor, opCase), comparable(expected[index]!, opCase), tolerance);
    return words === undefined ? [] : [`${formatCase(opCase)}: ${words}`];
  });
}
