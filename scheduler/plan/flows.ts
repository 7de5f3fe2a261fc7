/** Where values go from where they are made: to other lanes, to host nodes, to the caller. */
import { curfewError } from '../errors.js';
import { type Graph, type KernelNode, specOf, type ValueId } from '../graph.js';
import { MAX_TENSOR_BYTES } from '../limits.js';
import { HOST_LANE } from '../placement.js';
import type { ExchangeEntry, NodeExports } from '../program.js';
import { byteLength, type TensorSpec } from '../tensor.js';
import { align } from './alignment.js';

/** What is known of all values of a graph whose nodes have lanes. */
export interface Flows {
  /** Lanes (and `HOST_LANE`) that consume each value. */
  readonly consumers: readonly ReadonlySet<number>[];
  readonly outputs: ReadonlySet<ValueId>;
  readonly exchange: ReadonlyMap<ValueId, ExchangeEntry>;
  readonly exchangeBytes: number;
}

/**
 * Finds who consumes each value, and gives those that travel a place in the exchange buffer.
 *
 * @throws LIMIT_EXCEEDED when they do not fit
 */
export function findFlows(graph: Graph, lanes: Int32Array): Flows {
  const consumers: Set<number>[] = graph.values.map(() => new Set());
  for (const node of graph.nodes) for (const value of node.inputs) consumers[value]!.add(lanes[node.id]!);
  const exchange = new Map<ValueId, ExchangeEntry>();
  let exchangeBytes = 0;
  for (const { id, producer } of graph.values) {
    if (graph.nodes[producer]!.kind === 'constant') continue;
    const home = lanes[producer]!;
    const travels = [...consumers[id]!].some((lane) => lane !== HOST_LANE && lane !== home);
    if (!travels) continue;
    const spec = specOf(graph, id);
    exchange.set(id, { value: id, name: graph.nodes[producer]!.name, spec, byteOffset: exchangeBytes });
    exchangeBytes = align(exchangeBytes + byteLength(spec));
  }
  if (exchangeBytes > MAX_TENSOR_BYTES) {
    throw curfewError(
      'LIMIT_EXCEEDED',
      `plan: expected ${MAX_TENSOR_BYTES} bytes at most of feeds and values that cross streams, received ${exchangeBytes}`,
      { expected: MAX_TENSOR_BYTES, received: exchangeBytes },
    );
  }
  return { consumers, outputs: new Set(graph.outputValues.values()), exchange, exchangeBytes };
}

/** What leaves the lane when a node has run. */
export function exportsOf(
  graph: Graph,
  node: KernelNode,
  lanes: Int32Array,
  flows: Flows,
): NodeExports | undefined {
  const lane = lanes[node.id]!;
  const toExchange: ExchangeEntry[] = [];
  const toMain: { value: ValueId; spec: TensorSpec }[] = [];
  let awaited = false;
  for (const value of node.outputs) {
    const entry = flows.exchange.get(value);
    if (entry !== undefined) toExchange.push(entry);
    const toHost = flows.consumers[value]!.has(HOST_LANE);
    if (toHost || flows.outputs.has(value)) toMain.push({ value, spec: specOf(graph, value) });
    awaited ||= toHost || [...flows.consumers[value]!].some((consumer) => consumer !== lane);
  }
  return toExchange.length + toMain.length === 0 ? undefined : { toExchange, toMain, awaited };
}
