/** The units of a plan: what the scheduler dispatches, and who waits for whom. */
import type { Graph, NodeId } from '../graph.js';
import type { Plan, Unit } from '../plan.js';
import { crosses } from '../segment.js';

/** Every segment, then every host node. */
export function listUnits(
  graph: Graph,
  segments: readonly { lane: number; nodes: readonly NodeId[] }[],
): Unit[] {
  const units: Unit[] = [];
  const segmentsOfLane = new Map<number, number>();
  for (const { lane, nodes } of segments) {
    const segment = segmentsOfLane.get(lane) ?? 0;
    segmentsOfLane.set(lane, segment + 1);
    units.push(Object.freeze({ kind: 'segment', index: units.length, lane, segment, nodes }));
  }
  for (const node of graph.nodes)
    if (node.kind === 'host') units.push(Object.freeze({ kind: 'host', index: units.length, node }));
  return units;
}

/** The nodes that a unit runs. */
function nodesOf(unit: Unit): readonly NodeId[] {
  return unit.kind === 'segment' ? unit.nodes : [unit.node.id];
}

/** Who waits for whom. */
export function linkUnits(
  graph: Graph,
  lanes: Int32Array,
  units: readonly Unit[],
): Pick<Plan, 'pending' | 'afterNode' | 'afterSubmission'> {
  const unitOf = new Map<NodeId, number>();
  for (const unit of units) {
    for (const id of nodesOf(unit)) unitOf.set(id, unit.index);
  }
  const pending = new Int32Array(units.length);
  const afterNode = new Map<NodeId, number[]>();
  const afterSubmission: number[][] = units.map(() => []);
  for (const unit of units) {
    const awaited = new Set<NodeId>();
    const submitted = new Set<number>();
    for (const id of nodesOf(unit)) {
      for (const value of graph.nodes[id]!.inputs) {
        const { producer } = graph.values[value]!;
        if (crosses(graph, lanes, producer, id)) awaited.add(producer);
        else if (unitOf.has(producer) && unitOf.get(producer) !== unit.index)
          submitted.add(unitOf.get(producer)!);
      }
    }
    pending[unit.index] = awaited.size + submitted.size;
    for (const producer of awaited) {
      const waiting = afterNode.get(producer);
      if (waiting === undefined) afterNode.set(producer, [unit.index]);
      else waiting.push(unit.index);
    }
    for (const earlier of submitted) afterSubmission[earlier]!.push(unit.index);
  }
  return { pending, afterNode, afterSubmission };
}
