/** The error of a definition that is no graph. */
import { type CurfewError, curfewError } from '../errors.js';

/** An INVALID_GRAPH error that quotes what was expected and what came. */
export function invalidGraph(
  message: string,
  expected: unknown,
  received: unknown,
  node?: string,
): CurfewError {
  return curfewError('INVALID_GRAPH', message, { node, expected, received });
}
