/** The constants of a plan, back to back in one buffer. */
import { invariant } from '../errors.js';
import { type Graph, type NodeId, specOf, type ValueId } from '../graph.js';
import { HOST_LANE } from '../placement.js';
import type { Plan } from '../plan.js';
import type { ConstantEntry } from '../program.js';
import { byteLength, bytesOf } from '../tensor.js';
import { align } from './alignment.js';
import type { Flows } from './flows.js';

/** Where each constant begins, and how long the buffer is. */
export function layOutConstants(graph: Graph): { offsets: Map<ValueId, number>; bytes: number } {
  const offsets = new Map<ValueId, number>();
  let bytes = 0;
  for (const node of graph.nodes) {
    if (node.kind !== 'constant') continue;
    const value = node.outputs[0]!;
    offsets.set(value, bytes);
    bytes = align(bytes + byteLength(graph.values[value]!));
  }
  return { offsets, bytes };
}

/** The constants that a lane's segments read. */
export function laneConstants(
  graph: Graph,
  segments: readonly { nodes: readonly NodeId[] }[],
  offsets: ReadonlyMap<ValueId, number>,
): ConstantEntry[] {
  const used = new Set<ValueId>();
  for (const { nodes } of segments)
    for (const id of nodes) for (const value of graph.nodes[id]!.inputs) used.add(value);
  return [...used]
    .filter((value) => offsets.has(value))
    .map((value) => ({ value, spec: specOf(graph, value), byteOffset: offsets.get(value)! }));
}

/** Writes the constants of a graph where its plan's programs expect them. */
export function writeConstants(graph: Graph, target: Uint8Array): void {
  const { offsets, bytes } = layOutConstants(graph);
  invariant(target.byteLength >= bytes, 'the constant buffer is as large as the plan says');
  for (const [value, byteOffset] of offsets) {
    const node = graph.nodes[graph.values[value]!.producer]!;
    invariant(node.kind === 'constant', 'only constants have a place in the constant buffer');
    target.set(bytesOf(node.data), byteOffset);
  }
}

/** Constants that the main thread hands out: graph outputs, and inputs of host nodes. */
export function findMainConstants(graph: Graph, { consumers, outputs }: Flows): Plan['mainConstants'] {
  return graph.nodes.flatMap((node) => {
    if (node.kind !== 'constant') return [];
    const value = node.outputs[0]!;
    return outputs.has(value) || consumers[value]!.has(HOST_LANE) ? [{ value, data: node.data }] : [];
  });
}
