/** From a definition (untrusted) to a graph: the only place that makes graphs, and the rules they keep. */
import { buildNode } from './check/build-node.js';
import { type Entry, linkEntries, outputSpecs } from './check/entry.js';
import { invalidGraph } from './check/invalid-graph.js';
import { checkName, indexNames } from './check/name.js';
import { type FoundValue, resolveReference } from './check/reference.js';
import { topologicalOrder } from './check/topological-order.js';
import { curfewError, quote } from './errors.js';
import type { Graph, GraphDefinition, Node, NodeDefinition, NodeId, Value, ValueId } from './graph.js';
import { describeOnConsole } from './inspect-graph.js';
import { MAX_NODES } from './limits.js';
import type { TensorSpec } from './tensor.js';

const graphs = new WeakSet<object>();

/** Whether `value` is a graph made by `createGraph`. */
export function isGraph(value: unknown): value is Graph {
  return typeof value === 'object' && value !== null && graphs.has(value);
}

function checkCount(definitions: readonly NodeDefinition[]): void {
  if (definitions.length <= MAX_NODES) return;
  throw curfewError(
    'LIMIT_EXCEEDED',
    `graph: expected ${MAX_NODES} nodes at most, received ${definitions.length}`,
    { expected: MAX_NODES, received: definitions.length },
  );
}

/** Nodes and values in their final order, and where each entry's outputs went. */
function buildNodes(entries: readonly Entry[]) {
  const nodes: Node[] = [];
  const values: Value[] = [];
  const firstValue = new Map<number, number>();
  const findValue = ({ entry, index }: FoundValue) => (firstValue.get(entry)! + index) as ValueId;
  for (const index of topologicalOrder(entries)) {
    const entry = entries[index]!;
    const producer = nodes.length as NodeId;
    firstValue.set(index, values.length);
    const outputs = entry.specs.map(({ dtype, shape }, outputIndex) => {
      const id = values.length as ValueId;
      values.push(Object.freeze({ id, producer, outputIndex, dtype, shape }));
      return id;
    });
    nodes.push(buildNode(entry, producer, entry.references.map(findValue), outputs));
  }
  return { nodes: Object.freeze(nodes), values: Object.freeze(values), findValue };
}

function specRecord(ids: ReadonlyMap<string, ValueId>, values: readonly Value[]): Record<string, TensorSpec> {
  const record: Record<string, TensorSpec> = Object.create(null);
  for (const [name, id] of ids) {
    const { dtype, shape } = values[id]!;
    record[name] = Object.freeze({ dtype, shape });
  }
  return Object.freeze(record);
}

/**
 * Checks a definition and makes it a graph. Nodes keep their order when it is topological already.
 *
 * @throws INVALID_GRAPH for a cycle, a dangling reference, a duplicate or unusable name, malformed specs or
 *   constants, or no outputs; LIMIT_EXCEEDED for too many nodes or too large tensors
 */
export function createGraph(definition: GraphDefinition): Graph {
  checkCount(definition.nodes);
  const byName = indexNames(definition.nodes);
  const specs = definition.nodes.map(outputSpecs);
  const { nodes, values, findValue } = buildNodes(linkEntries(definition.nodes, byName, specs));

  const outputValues = new Map<string, ValueId>();
  for (const [name, reference] of Object.entries(definition.outputs)) {
    const what = `output ${quote(checkName(name, 'output'))}`;
    outputValues.set(name, findValue(resolveReference(byName, specs, reference, what)));
  }
  if (outputValues.size === 0) {
    throw invalidGraph('graph: expected at least one output, received none', 'at least one output', 0);
  }
  const inputValues = new Map<string, ValueId>();
  for (const node of nodes) if (node.kind === 'input') inputValues.set(node.name, node.outputs[0]!);

  const graph: Graph = {
    nodes,
    values,
    inputs: specRecord(inputValues, values),
    outputs: specRecord(outputValues, values),
    inputValues,
    outputValues,
  };
  describeOnConsole(graph);
  graphs.add(graph);
  return Object.freeze(graph);
}
