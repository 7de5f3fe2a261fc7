/** Names of nodes, inputs and outputs. */
import { curfewError, quote } from '../errors.js';
import type { NodeDefinition } from '../graph.js';
import { MAX_NAME_LENGTH } from '../limits.js';
import { invalidGraph } from './invalid-graph.js';

/** A name is a non-empty string without ':' (which separates a node from its output's index). */
export function checkName(name: unknown, what: string): string {
  if (typeof name !== 'string' || name.length === 0) {
    throw invalidGraph(
      `${what}: expected a non-empty name, received ${quote(name)}`,
      'non-empty string',
      name,
    );
  }
  if (name.length > MAX_NAME_LENGTH) {
    throw curfewError(
      'LIMIT_EXCEEDED',
      `${what}: expected a name of ${MAX_NAME_LENGTH} characters at most, received ${name.length}`,
      {
        expected: MAX_NAME_LENGTH,
        received: name.length,
      },
    );
  }
  if (name === '__proto__') {
    throw invalidGraph(
      `${what}: expected a name that is safe as a key, received "__proto__"`,
      'another name',
      name,
    );
  }
  if (/:\d+$/.test(name)) {
    throw invalidGraph(
      `${what}: expected a name that does not end in ":" and a number, received ${quote(name)}`,
      'name without ":number" at its end',
      name,
    );
  }
  return name;
}

/** The place of each definition by its name, which no other one may have. */
export function indexNames(definitions: readonly NodeDefinition[]): Map<string, number> {
  const byName = new Map<string, number>();
  for (const [index, definition] of definitions.entries()) {
    if (typeof definition !== 'object' || definition === null) {
      throw invalidGraph(
        `node ${index}: expected a node definition, received ${quote(definition)}`,
        'object',
        definition,
      );
    }
    const name = checkName(definition.name, `node ${index}`);
    if (byName.has(name)) {
      throw invalidGraph(
        `node ${index}: expected a name not used before, received ${quote(name)} again`,
        'unique name',
        name,
        name,
      );
    }
    byName.set(name, index);
  }
  return byName;
}
