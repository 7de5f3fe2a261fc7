/** How results of op cases on a device differ from the reference's. */
import type { Tensor } from '../../scheduler/tensor.js';
import { difference } from './one-node.js';
import { formatCase, type OpCase } from './op-cases.js';

export const SEED = Number(process.env['CURFEW_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

const comparable = ({ dtype, shape, data }: Tensor, opCase: OpCase): Tensor =>
  opCase.randomValues ? { dtype, shape, data: data.map(() => 0) } : { dtype, shape, data };

/**
 * What differs, in words, at most once per output.
 *
 * @param floatTolerance relative, above 1: for sums in another order, folded and fused ones too, and functions by other
 *   polynomials. The other dtypes are exact.
 */
export function caseDifferences(
  opCase: OpCase,
  actual: readonly Tensor[],
  expected: readonly Tensor[],
  floatTolerance: number,
): string[] {
  return actual.flatMap((tensor, index) => {
    const tolerance = tensor.dtype === 'float32' ? floatTolerance : 0;
    const words = difference(comparable(tensor, opCase), comparable(expected[index]!, opCase), tolerance);
    return words === undefined ? [] : [`${formatCase(opCase)}: ${words}`];
  });
}
