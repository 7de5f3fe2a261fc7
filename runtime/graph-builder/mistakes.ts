/** What callers of a `GraphBuilder` get wrong, and the records they hand over. */
import { curfewError, quote } from '../../scheduler/errors.js';
import type { Graph, ValueReference } from '../../scheduler/graph.js';
import { checkSpec, type TensorSpec } from '../../scheduler/tensor.js';
import { isRecordLike } from '../record-like.js';

/** An INVALID_GRAPH error. */
export function invalid(message: string, expected: unknown, received: unknown, node?: string): Error {
  return curfewError('INVALID_GRAPH', message, { node, expected, received });
}

/** A name was given twice. */
export function usedName(what: string, name: string): Error {
  return invalid(
    `${what}: expected a name not used before, received ${quote(name)} again`,
    'unique name',
    name,
    name,
  );
}

/** An output spec cannot be found, for it depends on a node defined later. */
export function undefinedInput(what: string, name: string, reference: ValueReference): Error {
  return invalid(
    `${what}: expected a value defined before, or options.outputs, received ${quote(reference)}`,
    'value defined before, or options.outputs',
    reference,
    name,
  );
}

/** The entries of what ought to be a record. */
export function entriesOf<T>(record: Readonly<Record<string, T>>, what: string): [string, T][] {
  if (isRecordLike(record)) return Object.entries(record);
  throw invalid(`${what}: expected an object by name, received ${quote(record)}`, 'object', record);
}

/** A record without a prototype, so that any name is safe as its key. */
export function toRecord<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  const record: Record<string, T> = Object.create(null);
  for (const [name, value] of entries) record[name] = value;
  return record;
}

/** Specs of outputs a caller declares, checked; `undefined` when none are. */
export function declaredSpecs(specs: unknown, what: string, node: string): readonly TensorSpec[] | undefined {
  if (specs === undefined) return undefined;
  if (!Array.isArray(specs) || specs.length === 0) {
    throw invalid(
      `${what}: expected specs of one or more outputs, received ${quote(specs)}`,
      'one or more specs',
      specs,
      node,
    );
  }
  return specs.map((spec, index) => checkSpec(spec, `${what} output ${index}`, 'INVALID_GRAPH'));
}

/** Checks that exactly the inputs of a graph are bound. */
export function checkInputNames(graph: Graph, bound: Readonly<Record<string, unknown>>, what: string): void {
  const expected = Object.keys(graph.inputs);
  const received = Object.keys(bound);
  if (expected.length === received.length && expected.every((name) => name in bound)) return;
  throw invalid(
    `${what}: expected inputs ${quote(expected)}, received ${quote(received)}`,
    expected,
    received,
  );
}
