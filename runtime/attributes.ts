/** Attributes as callers bring them, made the plain data a graph keeps. */
import { curfewError, type ErrorCode, quote } from '../scheduler/errors.js';
import type { Attributes, AttributeValue } from '../scheduler/graph.js';
import { typedArrayName } from '../scheduler/typed-array.js';

/** Levels of lists and records inside one attribute; no op needs more than two, and a cycle has no end. */
const MAX_DEPTH = 16;

/**
 * Copies attributes into plain data that `structuredClone` keeps whole: what is `undefined` is left out, typed arrays
 * become arrays. Infinities and NaN are numbers like others, though JSON has none: `tf.pad(x, …, -Infinity)` needs them.
 *
 * @param what how messages name the node, for example `node "Conv2D"`
 * @throws `code` for a function, symbol, bigint or class instance, naming the attribute
 */
export function plainAttributes(
  attributes: unknown,
  what: string,
  code: ErrorCode,
  node?: string,
): Attributes {
  if (attributes === undefined || attributes === null) return {};
  if (!isRecord(attributes)) {
    throw curfewError(code, `${what}: expected attributes in a plain object, received ${quote(attributes)}`, {
      node,
      expected: 'plain object',
      received: attributes,
    });
  }
  return copyRecord(attributes, 0, (path, expected, received) =>
    curfewError(
      code,
      `${what}: expected attribute ${quote(path)} to be ${expected}, received ${quote(received)}`,
      {
        node,
        expected,
        received,
      },
    ),
  );
}

type Complaint = (path: string, expected: string, received: unknown) => Error;

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Every realm has an Object.prototype of its own; what they have in common is that nothing is above them.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function copyRecord(
  record: Record<string, unknown>,
  depth: number,
  complain: Complaint,
  path = '',
): Record<string, AttributeValue> {
  const entries = Object.entries(record).filter(([, value]) => value !== undefined);
  // fromEntries defines properties, so that even "__proto__" is an ordinary name.
  return Object.fromEntries(
    entries.map(([name, value]) => [name, copyValue(value, path + name, depth, complain)]),
  );
}

function copyValue(value: unknown, path: string, depth: number, complain: Complaint): AttributeValue {
  if (value === null) return value;
  if (typeof value === 'boolean' || typeof value === 'string' || typeof value === 'number') return value;
  if (depth >= MAX_DEPTH) throw complain(path, `nested ${MAX_DEPTH} levels deep at most`, value);
  if (typedArrayName(value) !== undefined) value = Array.from(value as ArrayLike<unknown>);
  if (Array.isArray(value)) {
    return value.map((item, index) => copyValue(item, `${path}[${index}]`, depth + 1, complain));
  }
  if (isRecord(value)) return copyRecord(value, depth + 1, complain, `${path}.`);
  throw complain(path, 'plain data (boolean, number, string, list or record)', value);
}
