/** The oracle: what a graph means, with nothing done for speed. */
import { invariant } from '../../scheduler/errors.js';
import type { Graph, HostNode, KernelNode } from '../../scheduler/graph.js';
import type { DeviceTensor, ImmediateBackend } from '../../scheduler/kernel.js';
import { bytesOf, type Tensor, type TensorData, type TensorSpec, viewData } from '../../scheduler/tensor.js';
import { createReferenceBackend } from './backend.js';

/** Evaluates the graph node by node on the reference backend. Feeds are taken as they are, unchecked. */
export async function interpret(
  graph: Graph,
  feeds: Record<string, Tensor>,
): Promise<Record<string, Tensor>> {
  const backend = createReferenceBackend({ memoryLimitBytes: undefined });
  const values: (Tensor | undefined)[] = [];
  for (const node of graph.nodes) {
    if (node.kind === 'input') values[node.outputs[0]!] = feeds[node.name];
    else if (node.kind === 'constant')
      values[node.outputs[0]!] = withData(graph, node.outputs[0]!, node.data);
    else if (node.kind === 'host') await runHostNode(graph, node, values);
    else runKernelNode(graph, node, values, backend);
  }
  backend.close();
  return Object.fromEntries([...graph.outputValues].map(([name, id]) => [name, values[id]!]));
}

async function runHostNode(graph: Graph, node: HostNode, values: (Tensor | undefined)[]): Promise<void> {
  const inputs = Object.fromEntries(
    node.inputNames.map((name, index) => [name, values[node.inputs[index]!]!]),
  );
  const context = { signal: new AbortController().signal, node: node.name };
  const results = await node.run(inputs, context);
  node.outputNames.forEach((name, index) => {
    const result = results[name]!;
    const id = node.outputs[index]!;
    values[id] = ArrayBuffer.isView(result) ? withData(graph, id, result) : result;
  });
}

function runKernelNode(
  graph: Graph,
  node: KernelNode,
  values: (Tensor | undefined)[],
  backend: ImmediateBackend,
): void {
  const specs = (ids: readonly number[]): TensorSpec[] => ids.map((id) => graph.values[id]!);
  const { run } = backend.prepare({
    ...node,
    inputSpecs: specs(node.inputs),
    outputSpecs: specs(node.outputs),
  });
  const table: (DeviceTensor | undefined)[] = [];
  for (const id of node.inputs) table[id] = backend.upload(values[id]!, bytesOf(values[id]!.data));
  run(table);
  for (const id of node.outputs) {
    const { dtype, shape } = table[id]!;
    values[id] = { dtype, shape, data: viewData({ dtype, shape }, backend.read(table[id]!).slice().buffer) };
  }
}

function withData(graph: Graph, id: number, data: TensorData): Tensor {
  const value = graph.values[id];
  invariant(value !== undefined, `value ${id} is not in the graph`);
  return { dtype: value.dtype, shape: value.shape, data };
}
