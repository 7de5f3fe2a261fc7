/** References from inputs and outputs to the values they name. */
import { quote } from '../errors.js';
import type { TensorSpec } from '../tensor.js';
import { invalidGraph } from './invalid-graph.js';

/** The value that a reference names. */
export interface FoundValue {
  /** Index of the definition that makes it. */
  readonly entry: number;
  /** Which of its outputs it is. */
  readonly index: number;
}

/** Splits `'node:1'`; a name without an index means output 0. */
function splitReference(reference: unknown, what: string): { name: string; index: number } {
  if (typeof reference !== 'string') {
    throw invalidGraph(
      `${what}: expected a value reference (string), received ${quote(reference)}`,
      'string',
      reference,
    );
  }
  const match = /^(.*):(\d+)$/s.exec(reference);
  return match ? { name: match[1]!, index: Number(match[2]) } : { name: reference, index: 0 };
}

/**
 * Finds the definition and output that a reference names.
 *
 * @param byName indexes of definitions
 * @param specs the outputs of each definition
 */
export function resolveReference(
  byName: ReadonlyMap<string, number>,
  specs: readonly (readonly TensorSpec[])[],
  reference: unknown,
  what: string,
): FoundValue {
  const { name, index } = splitReference(reference, what);
  const entry = byName.get(name);
  if (entry === undefined) {
    throw invalidGraph(
      `${what}: expected the name of a node of this graph, received ${quote(reference)}`,
      'existing node',
      reference,
    );
  }
  const outputs = specs[entry]!.length;
  if (index >= outputs) {
    throw invalidGraph(
      `${what}: expected an output of ${quote(name)} below ${outputs}, received ${quote(reference)}`,
      `index below ${outputs}`,
      reference,
    );
  }
  return { entry, index };
}
