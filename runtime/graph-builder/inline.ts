/** A graph's nodes as definitions again, to be part of another graph. */
import {
  type Graph,
  type Node,
  type NodeDefinition,
  specOf,
  type ValueId,
  type ValueReference,
} from '../../scheduler/graph.js';
import type { TensorSpec } from '../../scheduler/tensor.js';
import { outputReference } from './value.js';

/** One node of the inlined graph under its new name. */
export interface InlinedNode {
  readonly definition: NodeDefinition;
  readonly outputs: readonly TensorSpec[];
}

/** A graph taken apart: its nodes but the inputs, and where its outputs are now. */
export interface InlinedGraph {
  readonly nodes: readonly InlinedNode[];
  readonly outputs: ReadonlyMap<string, ValueReference>;
}

/**
 * Renames a graph's nodes and binds its inputs.
 *
 * @param bindings what stands for each input; has an entry for every one of them
 */
export function inlineGraph(
  graph: Graph,
  bindings: ReadonlyMap<string, ValueReference>,
  rename: (name: string) => string,
): InlinedGraph {
  const references = new Map<ValueId, ValueReference>();
  const nodes: InlinedNode[] = [];
  for (const node of graph.nodes) {
    const name = rename(node.name);
    for (const [index, value] of node.outputs.entries()) {
      references.set(value, node.kind === 'input' ? bindings.get(node.name)! : outputReference(name, index));
    }
    if (node.kind === 'input') continue;
    const outputs = node.outputs.map((value) => specOf(graph, value));
    nodes.push({ definition: redefine(node, name, outputs, references), outputs });
  }
  const outputs = new Map([...graph.outputValues].map(([name, value]) => [name, references.get(value)!]));
  return { nodes, outputs };
}

function redefine(
  node: Exclude<Node, { kind: 'input' }>,
  name: string,
  outputs: readonly TensorSpec[],
  references: ReadonlyMap<ValueId, ValueReference>,
): NodeDefinition {
  const inputs = () =>
    Object.fromEntries(node.inputNames.map((input, index) => [input, references.get(node.inputs[index]!)!]));
  switch (node.kind) {
    case 'constant':
      return { kind: 'constant', name, tensor: { ...outputs[0]!, data: node.data } };
    case 'kernel': {
      const { op, attributes, cost } = node;
      return { kind: 'kernel', name, op, inputs: inputs(), attributes, outputs, cost };
    }
    case 'host': {
      const named = Object.fromEntries(node.outputNames.map((output, index) => [output, outputs[index]!]));
      return { kind: 'host', name, inputs: inputs(), outputs: named, run: node.run };
    }
  }
}
