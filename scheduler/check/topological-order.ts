/** The order in which a graph's nodes stand: each after those it depends on. */
import { quote } from '../errors.js';
import type { Entry } from './entry.js';
import { invalidGraph } from './invalid-graph.js';

/**
 * Kahn's algorithm, first come first served. A definition that is already in order keeps it.
 *
 * @returns indexes of entries
 * @throws INVALID_GRAPH for a cycle
 */
export function topologicalOrder(entries: readonly Entry[]): number[] {
  const pending = new Int32Array(entries.length);
  const consumers: number[][] = entries.map(() => []);
  for (const [index, { references }] of entries.entries()) {
    pending[index] = references.length;
    for (const reference of references) consumers[reference.entry]!.push(index);
  }
  const order: number[] = [];
  for (let index = 0; index < entries.length; index++) if (pending[index] === 0) order.push(index);
  for (let next = 0; next < order.length; next++) {
    for (const consumer of consumers[order[next]!]!) {
      pending[consumer]!--;
      if (pending[consumer] === 0) order.push(consumer);
    }
  }
  if (order.length < entries.length) {
    const stuck = entries.filter((_, index) => pending[index]! > 0).map(({ definition }) => definition.name);
    throw invalidGraph(
      `graph: expected no cycle, received one through or before ${stuck.slice(0, 5).map(quote).join(', ')}`,
      'acyclic graph',
      stuck,
      stuck[0],
    );
  }
  // Ascending original index among the ready keeps a definition that is already in order as it is.
  return isOrdered(entries) ? entries.map((_, index) => index) : order;
}

function isOrdered(entries: readonly Entry[]): boolean {
  return entries.every(({ references }, index) => references.every(({ entry }) => entry < index));
}
