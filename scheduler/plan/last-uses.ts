/** Which values a segment touches, and when each is no longer needed. */
import type { Graph, NodeId, ValueId } from '../graph.js';

/** The values a lane's segments touch: used or made by them, constants aside. */
export function touchedValues(graph: Graph, nodes: readonly NodeId[]): Set<ValueId> {
  const touched = new Set<ValueId>();
  for (const id of nodes) {
    const node = graph.nodes[id]!;
    for (const value of [...node.inputs, ...node.outputs]) {
      if (graph.nodes[graph.values[value]!.producer]!.kind !== 'constant') touched.add(value);
    }
  }
  return touched;
}

/** For each node of a segment, the values nobody needs after it. `shared` values outlive the segment. */
export function lastUses(
  graph: Graph,
  nodes: readonly NodeId[],
  touched: ReadonlySet<ValueId>,
  shared: ReadonlySet<ValueId>,
): ValueId[][] {
  const seen = new Set<ValueId>();
  const frees: ValueId[][] = nodes.map(() => []);
  for (let index = nodes.length - 1; index >= 0; index--) {
    const node = graph.nodes[nodes[index]!]!;
    for (const value of [...node.inputs, ...node.outputs]) {
      if (seen.has(value) || shared.has(value) || !touched.has(value)) continue;
      seen.add(value);
      frees[index]!.push(value);
    }
  }
  return frees;
}
