/** Runs host nodes: the caller's functions, whose results are as untrusted as feeds. */
import type { Clock } from '../scheduler/clock.js';
import type { HostResult } from '../scheduler/dispatch.js';
import { CurfewError, curfewError, fromErrorRecord, quote, toErrorRecord } from '../scheduler/errors.js';
import type { Graph, HostNode } from '../scheduler/graph.js';
import { messageOf, peek } from '../scheduler/quote.js';
import type { RunTimeline } from '../scheduler/run-timeline.js';
import {
  checkData,
  copyData,
  formatSpec,
  refuseTfTensor,
  sameShape,
  type Tensor,
  type TensorData,
  type TensorSpec,
} from '../scheduler/tensor.js';
import { RECORD_KIND } from '../scheduler/timeline-record.js';

function failed(node: HostNode, cause: unknown): HostResult {
  const isCoded = cause instanceof CurfewError;
  // It may only claim to be one: nothing of it is handed on but what a record keeps.
  if (isCoded && peek(cause, 'code') === 'OUT_OF_MEMORY' && peek(cause, 'node') === node.name)
    return { status: 'failed', error: fromErrorRecord(toErrorRecord(cause, 'OUT_OF_MEMORY')) };
  const error = curfewError('HOST_NODE_FAILED', `host node ${quote(node.name)}: ${messageOf(cause)}`, {
    node: node.name,
    expected: isCoded ? peek(cause, 'expected') : undefined,
    received: isCoded ? peek(cause, 'received') : undefined,
    cause,
  });
  return { status: 'failed', error };
}

function checkOutput(output: unknown, spec: TensorSpec, what: string): TensorData {
  if (ArrayBuffer.isView(output)) return checkData(output, spec, what, 'HOST_NODE_FAILED');
  refuseTfTensor(output, what, 'HOST_NODE_FAILED');
  const { dtype, shape, data } = (output ?? {}) as Partial<Tensor>;
  if (dtype !== spec.dtype || !Array.isArray(shape) || !sameShape(shape, spec.shape)) {
    const expected = formatSpec(spec);
    const isTensor = dtype !== undefined || shape !== undefined;
    const received =
      output === undefined ? 'nothing' : isTensor ? `${quote(dtype)} ${quote(shape)}` : quote(output);
    const message = `${what}: expected ${expected}, received ${received}`;
    throw curfewError('HOST_NODE_FAILED', message, { expected, received });
  }
  return checkData(data, spec, what, 'HOST_NODE_FAILED');
}

function checkOutputs(graph: Graph, node: HostNode, returned: unknown): readonly TensorData[] {
  if (typeof returned !== 'object' || returned === null) {
    const expected = `an object with the outputs ${node.outputNames.map(quote).join(', ')}`;
    const message = `expected ${expected}, received ${quote(returned)}`;
    throw curfewError('HOST_NODE_FAILED', message, { expected, received: returned });
  }
  return node.outputNames.map((name, index) => {
    const output = Object.hasOwn(returned, name) ? (returned as Record<string, unknown>)[name] : undefined;
    const spec = graph.values[node.outputs[index]!]!;
    const data = checkOutput(output, spec, `output ${quote(name)}`);
    // At once: the function may go on to use its buffers, or give them away.
    return copyData(spec.dtype, data, `output ${quote(name)} of host node ${quote(node.name)}`, node.name);
  });
}

/** Whether what the function threw says that it stopped because its signal told it to. */
function saysStopped(thrown: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (thrown === signal.reason || peek(thrown, 'name') === 'AbortError');
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
  let returned: unknown;
  try {
    returned = await node.run(inputs, { signal, node: node.name });
  } catch (error) {
    if (saysStopped(error, signal)) return { status: 'stopped' };
    return failed(node, error);
  }
  try {
    return { status: 'completed', outputs: checkOutputs(graph, node, returned) };
  } catch (error) {
    return failed(node, error);
  }
}

/**
 * Runs a host node as part of a run: a virtual clock stands still meanwhile, and the timeline shows the node.
 *
 * @param holds receives what makes the clock go on, should the node be given up
 */
export async function recordHostNode(
  timeline: RunTimeline | undefined,
  clock: Clock,
  node: HostNode,
  holds: Set<() => void>,
  run: () => Promise<HostResult>,
): Promise<HostResult> {
  const startMs = timeline?.nowMs() ?? 0;
  const letGo = clock.hold?.();
  if (letGo !== undefined) holds.add(letGo);
  const result = await run().finally(() => letGo?.());
  if (result.status === 'completed') timeline?.span(RECORD_KIND.host, node.id, startMs);
  else timeline?.moment(result.status === 'stopped' ? RECORD_KIND.stop : RECORD_KIND.failure, node.id);
  return result;
}
