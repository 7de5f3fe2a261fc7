/** Every DAG of a few nodes, and every way to place it. */
import type { GraphSpec, NodeSpec } from '../simulator/scenario.js';

/** Where a node runs: a stream, or the host. */
export type Lane = number | 'host';

const DURATIONS_MS = [0.3, 0.1, 0.2, 0.15, 0.05];

type Edge = readonly [from: number, to: number];

function permutations(nodes: number): readonly (readonly number[])[] {
  if (nodes === 0) return [[]];
  return permutations(nodes - 1).flatMap((rest) =>
    Array.from({ length: nodes }, (_, place) => rest.toSpliced(place, 0, nodes - 1)),
  );
}

/** A number for each set of edges from earlier to later nodes; `undefined` for a set with another edge. */
function codeOf(edges: readonly Edge[], nodes: number): number | undefined {
  if (edges.some(([from, to]) => from > to)) return undefined;
  return edges.reduce((code, [from, to]) => code + 2 ** (to * nodes + from), 0);
}

/** Whether no other numbering of the nodes gives a lower code: one DAG of all that differ in names only. */
function isRepresentative(edges: readonly Edge[], nodes: number): boolean {
  const own = codeOf(edges, nodes)!;
  return permutations(nodes).every((numbers) => {
    const code = codeOf(
      edges.map(([from, to]): Edge => [numbers[from]!, numbers[to]!]),
      nodes,
    );
    return code === undefined || code >= own;
  });
}

/** The predecessors of each node, for every DAG of `nodes` nodes up to the numbering of its nodes. */
export function allDags(nodes: number): readonly (readonly (readonly number[])[])[] {
  const pairs = Array.from({ length: nodes }, (_, to) =>
    Array.from({ length: to }, (__, from): Edge => [from, to]),
  ).flat();
  const sets = Array.from({ length: 2 ** pairs.length }, (_, set) =>
    pairs.filter((__, index) => (set >> index) & 1),
  );
  return sets
    .filter((edges) => isRepresentative(edges, nodes))
    .map((edges) =>
      Array.from({ length: nodes }, (_, node) => edges.filter(([, to]) => to === node).map(([from]) => from)),
    );
}

/** Every choice of one of the lanes for each node; the first node takes the first lane where only names differ. */
export function allPlacements(nodes: number, lanes: readonly Lane[]): readonly (readonly Lane[])[] {
  let placements: Lane[][] = [[]];
  for (let node = 0; node < nodes; node++) {
    const choices = node === 0 ? lanes.filter((lane) => lane === 0 || lane === 'host') : lanes;
    placements = placements.flatMap((placement) => choices.map((lane) => [...placement, lane]));
  }
  return placements;
}

function nodeOf(index: number, predecessors: readonly number[], lane: Lane): NodeSpec {
  const inputs = [...predecessors.map((node) => `n${node}`), index % 2 === 0 ? 'x' : 'y'];
  const common = { name: `n${index}`, inputs, durationMs: DURATIONS_MS[index]! };
  return lane === 'host'
    ? { ...common, kind: 'host', stops: index % 2 === 0, failures: 0 }
    : { ...common, kind: 'kernel', op: 'AddN', lane };
}

/** A DAG whose nodes add what they depend on. Returned are the first node and all that nothing depends on. */
export function dagGraph(dag: readonly (readonly number[])[], placement: readonly Lane[]): GraphSpec {
  const nodes = dag.map((predecessors, index) => nodeOf(index, predecessors, placement[index]!));
  const used = new Set(dag.flat());
  const outputs = nodes.filter((_, index) => index === 0 || !used.has(index)).map(({ name }) => name);
  return { nodes, outputs };
}
