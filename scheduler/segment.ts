/** Cuts each stream's nodes into segments: nodes that wait for exactly the same things outside their stream. */
import { curfewError } from './errors.js';
import type { Graph, NodeId } from './graph.js';
import { MAX_CROSSINGS } from './limits.js';
import { HOST_LANE } from './placement.js';

/**
 * Everything outside its stream that a node waits for, directly or through others, as a bit set over the nodes whose
 * values cross. Sets are interned: equal sets are the same object.
 */
interface WaitSet {
  readonly id: number;
  readonly words: Uint32Array;
}

class WaitSets {
  readonly empty: WaitSet;
  readonly #byKey = new Map<string, WaitSet>();
  readonly #words: number;

  constructor(crossings: number) {
    this.#words = Math.ceil(crossings / 32);
    this.empty = this.#intern(new Uint32Array(this.#words));
  }

  #intern(words: Uint32Array): WaitSet {
    const key = words.join();
    let found = this.#byKey.get(key);
    if (found === undefined) {
      found = { id: this.#byKey.size, words };
      this.#byKey.set(key, found);
    }
    return found;
  }

  union(a: WaitSet, b: WaitSet): WaitSet {
    if (a === b || b === this.empty) return a;
    if (a === this.empty) return b;
    return this.#intern(a.words.map((word, index) => word | b.words[index]!));
  }

  add(set: WaitSet, crossing: number): WaitSet {
    const words = set.words.slice();
    words[crossing >>> 5]! |= 1 << (crossing & 31);
    return this.#intern(words);
  }
}

/** Whether the value of `producer` has to leave its lane to reach `consumer`. */
export function crosses(graph: Graph, lanes: Int32Array, producer: NodeId, consumer: NodeId): boolean {
  const kind = graph.nodes[producer]!.kind;
  if (kind === 'input' || kind === 'constant') return false;
  return lanes[producer] === HOST_LANE || lanes[producer] !== lanes[consumer];
}

function numberCrossings(graph: Graph, lanes: Int32Array): Map<NodeId, number> {
  const crossings = new Map<NodeId, number>();
  for (const node of graph.nodes) {
    for (const value of node.inputs) {
      const { producer } = graph.values[value]!;
      if (!crossings.has(producer) && crosses(graph, lanes, producer, node.id))
        crossings.set(producer, crossings.size);
    }
  }
  if (crossings.size > MAX_CROSSINGS) {
    throw curfewError(
      'INVALID_PLACEMENT',
      `placement: expected ${MAX_CROSSINGS} nodes at most whose values cross streams or the host, received ${crossings.size}`,
      { expected: MAX_CROSSINGS, received: crossings.size },
    );
  }
  return crossings;
}

/**
 * Groups the kernel nodes of each lane into segments. Nodes of one lane with equal wait sets can run back to back
 * without waiting inside. Segments cannot depend on each other in a cycle: along a path within a lane wait sets only
 * grow, and a path that leaves the lane and comes back adds a crossing that the first node cannot have waited for.
 *
 * @returns segments in order of their first node; node ids ascend, which is a topological order
 */
export function cutSegments(graph: Graph, lanes: Int32Array): { lane: number; nodes: NodeId[] }[] {
  const crossings = numberCrossings(graph, lanes);
  const sets = new WaitSets(crossings.size);
  const waits: WaitSet[] = [];
  const segments = new Map<string, { lane: number; nodes: NodeId[] }>();
  for (const node of graph.nodes) {
    let set = sets.empty;
    for (const value of node.inputs) {
      const { producer } = graph.values[value]!;
      set = sets.union(set, waits[producer]!);
      if (crosses(graph, lanes, producer, node.id)) set = sets.add(set, crossings.get(producer)!);
    }
    waits.push(set);
    if (node.kind !== 'kernel') continue;
    const key = `${lanes[node.id]}/${set.id}`;
    const segment = segments.get(key);
    if (segment === undefined) segments.set(key, { lane: lanes[node.id]!, nodes: [node.id] });
    else segment.nodes.push(node.id);
  }
  return [...segments.values()];
}
