/** Builds what one stream executes: a lane's steps, cut into segments. */
import { invariant } from '../errors.js';
import { type Graph, type KernelNode, type NodeId, specOf, type ValueId } from '../graph.js';
import type { ProgramNode } from '../kernel.js';
import type { ProgramStep, SegmentProgram, StreamProgram } from '../program.js';
import { laneConstants } from './constants.js';
import { exportsOf, type Flows } from './flows.js';
import { lastUses, touchedValues } from './last-uses.js';

function programNode(graph: Graph, node: KernelNode): ProgramNode {
  return {
    id: node.id,
    name: node.name,
    op: node.op,
    attributes: node.attributes,
    inputNames: node.inputNames,
    inputs: node.inputs,
    inputSpecs: node.inputs.map((value) => specOf(graph, value)),
    outputs: node.outputs,
    outputSpecs: node.outputs.map((value) => specOf(graph, value)),
    cost: node.cost,
  };
}

/** The program of a lane. */
export function buildProgram(
  graph: Graph,
  lane: number,
  lanes: Int32Array,
  segments: readonly { nodes: readonly NodeId[] }[],
  flows: Flows,
  constantOffsets: ReadonlyMap<ValueId, number>,
): StreamProgram {
  const touched = segments.map(({ nodes }) => touchedValues(graph, nodes));
  const users = new Map<ValueId, number>();
  for (const values of touched) for (const value of values) users.set(value, (users.get(value) ?? 0) + 1);
  const shared = new Set([...users].filter(([, count]) => count > 1).map(([value]) => value));

  const steps: ProgramStep[] = [];
  const programs: SegmentProgram[] = segments.map(({ nodes }, index) => {
    const firstStep = steps.length;
    const frees = lastUses(graph, nodes, touched[index]!, shared);
    for (const [position, id] of nodes.entries()) {
      const node = graph.nodes[id]!;
      invariant(node.kind === 'kernel', 'a segment holds kernel nodes only');
      steps.push({
        node: programNode(graph, node),
        completes: [id],
        frees: frees[position]!,
        exports: exportsOf(graph, node, lanes, flows),
      });
    }
    const imports = [...touched[index]!].filter((value) => lanes[graph.values[value]!.producer] !== lane);
    return {
      firstStep,
      endStep: steps.length,
      imports: imports.map((value) => flows.exchange.get(value)!),
      shared: [...touched[index]!].filter((value) => shared.has(value)),
    };
  });
  return {
    valueCount: graph.values.length,
    constants: laneConstants(graph, segments, constantOffsets),
    steps,
    segments: programs,
    sharedValues: [...shared].map((value) => ({ value, segments: users.get(value)! })),
  };
}
