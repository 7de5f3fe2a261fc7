/** Runs host nodes: the caller's functions, whose results are as untrusted as feeds. */
import { isAbortError } from 'abort-controller-x';
import { type CurfewError, curfewError, quote } from '../scheduler/errors.js';
import type { Graph, HostNode } from '../scheduler/graph.js';
import type { HostResult } from '../scheduler/run.js';
import {
  checkData,
  formatSpec,
  sameShape,
  type Tensor,
  type TensorData,
  type TensorSpec,
} from '../scheduler/tensor.js';

function failed(
  node: HostNode,
  message: string,
  details: { expected?: unknown; received?: unknown; cause?: unknown },
): CurfewError {
  return curfewError('HOST_NODE_FAILED', `host node ${quote(node.name)}: ${message}`, {
    node: node.name,
    ...details,
  });
}

function checkOutput(node: HostNode, name: string, output: unknown, spec: TensorSpec): TensorData {
  const what = `host node ${quote(node.name)} output ${quote(name)}`;
  if (ArrayBuffer.isView(output)) return checkData(output, spec, what, 'HOST_NODE_FAILED');
  const { dtype, shape, data } = (output ?? {}) as Partial<Tensor>;
  if (dtype !== spec.dtype || !Array.isArray(shape) || !sameShape(shape, spec.shape)) {
    const received = output === undefined ? 'nothing' : `${quote(dtype)} ${quote(shape)}`;
    throw failed(node, `expected ${formatSpec(spec)} as output ${quote(name)}, received ${received}`, {
      expected: formatSpec(spec),
      received,
    });
  }
  return checkData(data, spec, what, 'HOST_NODE_FAILED');
}

function checkOutputs(graph: Graph, node: HostNode, returned: unknown): readonly TensorData[] {
  if (typeof returned !== 'object' || returned === null) {
    const expected = `an object with the outputs ${node.outputNames.map(quote).join(', ')}`;
    throw failed(node, `expected ${expected}, received ${quote(returned)}`, { expected, received: returned });
  }
  return node.outputNames.map((name, index) => {
    const output = Object.hasOwn(returned, name) ? (returned as Record<string, unknown>)[name] : undefined;
    return checkOutput(node, name, output, graph.values[node.outputs[index]!]!);
  });
}

/**
 * Calls a host node's function and waits for it, also after an abort: what it holds must be given back before the run
 * settles. Throwing an `AbortError`, or the signal's own reason, after an abort counts as having stopped.
 */
export async function runHostNode(
  graph: Graph,
  node: HostNode,
  inputs: Readonly<Record<string, Tensor>>,
  signal: AbortSignal,
): Promise<HostResult> {
  try {
    const returned: unknown = await node.run(inputs, { signal, node: node.name });
    return { status: 'completed', outputs: checkOutputs(graph, node, returned) };
  } catch (error) {
    if (signal.aborted && (isAbortError(error) || error === signal.reason)) return { status: 'stopped' };
    if (error instanceof Error && 'code' in error && error.code === 'HOST_NODE_FAILED') {
      return { status: 'failed', error: error as CurfewError };
    }
    const message = error instanceof Error ? error.message : quote(error);
    return { status: 'failed', error: failed(node, message, { cause: error }) };
  }
}
