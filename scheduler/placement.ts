/** Which stream each kernel node runs on. */
import { curfewError, quote } from './errors.js';
import type { Graph, KernelNode, Node } from './graph.js';
import { byteLength } from './tensor.js';

/** What a placement function is told of a node. */
export type PlacementFunction = (node: Readonly<{ name: string; op: string; index: number }>) => number;

/**
 * How the nodes of one graph spread over streams: `'single'` keeps a run on one stream (runs spread instead),
 * `'automatic'` weighs node costs against transfers, a function names the stream of each kernel node.
 */
export type Placement = 'single' | 'automatic' | PlacementFunction;

/** The lane of nodes that run on the main thread or not at all. */
export const HOST_LANE = -1;

/** Rates the automatic placement assumes of one single-threaded WebAssembly stream. Only their ratios matter. */
const RATES = {
  /** Arithmetic operations per millisecond: matmul and conv reach about 40 GFLOP/s. */
  operationsPerMs: 40e6,
  /** Bytes read and written per millisecond by memory-bound kernels. */
  bytesPerMs: 5e6,
  /** Cost of any node in milliseconds. */
  nodeMs: 0.001,
  /** Bytes per millisecond from one heap to another: a copy out and a copy in. */
  transferBytesPerMs: 3e6,
  /** Milliseconds until a waiting stream has noticed: one message to the main thread and one back. */
  crossingMs: 0.05,
} as const;

/** Share of the single-stream time that a spread plan must save to be worth its transfers. */
const WORTHWHILE_SAVING = 0.1;

function nodeMs(node: KernelNode): number {
  const { operations, bytes } = node.cost;
  return RATES.nodeMs + Math.max(operations / RATES.operationsPerMs, bytes / RATES.bytesPerMs);
}

function transferMs(graph: Graph, value: number): number {
  return RATES.crossingMs + byteLength(graph.values[value]!) / RATES.transferBytesPerMs;
}

/** Longest path from each node to an output, transfers included: the order in which list scheduling places nodes. */
function upwardRanks(graph: Graph): Float64Array {
  const ranks = new Float64Array(graph.nodes.length);
  for (let id = graph.nodes.length - 1; id >= 0; id--) {
    const node = graph.nodes[id]!;
    ranks[id]! += node.kind === 'kernel' ? nodeMs(node) : 0;
    for (const value of node.inputs) {
      const producer = graph.values[value]!.producer;
      ranks[producer] = Math.max(ranks[producer]!, ranks[id]! + transferMs(graph, value));
    }
  }
  return ranks;
}

/** When a node could start on a lane, given where and when its inputs are made. */
function earliestStart(
  graph: Graph,
  node: Node,
  lane: number,
  lanes: Int32Array,
  finishMs: Float64Array,
): number {
  let start = 0;
  for (const value of node.inputs) {
    const producer = graph.values[value]!.producer;
    const kind = graph.nodes[producer]!.kind;
    const travels = kind === 'host' || (kind === 'kernel' && lanes[producer] !== lane);
    start = Math.max(start, finishMs[producer]! + (travels ? transferMs(graph, value) : 0));
  }
  return start;
}

/**
 * List scheduling by earliest finish time (HEFT without insertion: Topcuoglu, Hariri, Wu, "Performance-effective and
 * low-complexity task scheduling for heterogeneous computing", IEEE TPDS 13(3), 2002).
 */
function placeAutomatically(graph: Graph, streams: number): Int32Array {
  const lanes = new Int32Array(graph.nodes.length).fill(HOST_LANE);
  const finishMs = new Float64Array(graph.nodes.length);
  // Every further stream is one more to be told: work that is over sooner is not worth it.
  const laneFreeMs = new Float64Array(streams).fill(RATES.crossingMs).fill(0, 0, 1);
  const ranks = upwardRanks(graph);
  const order = graph.nodes.map((_, id) => id).sort((a, b) => ranks[b]! - ranks[a]! || a - b);
  let singleStreamMs = 0;
  let spreadMs = 0;
  for (const id of order) {
    const node = graph.nodes[id]!;
    if (node.kind !== 'kernel') {
      finishMs[id] = earliestStart(graph, node, HOST_LANE, lanes, finishMs);
      continue;
    }
    singleStreamMs += nodeMs(node);
    let best = 0;
    let bestFinish = Number.POSITIVE_INFINITY;
    for (let lane = 0; lane < streams; lane++) {
      const start = Math.max(laneFreeMs[lane]!, earliestStart(graph, node, lane, lanes, finishMs));
      if (start + nodeMs(node) < bestFinish) {
        best = lane;
        bestFinish = start + nodeMs(node);
      }
    }
    lanes[id] = best;
    finishMs[id] = bestFinish;
    laneFreeMs[best] = bestFinish;
    spreadMs = Math.max(spreadMs, bestFinish);
  }
  return spreadMs < singleStreamMs * (1 - WORTHWHILE_SAVING) ? lanes : placeOnOne(graph);
}

function placeOnOne(graph: Graph): Int32Array {
  return Int32Array.from(graph.nodes, (node) => (node.kind === 'kernel' ? 0 : HOST_LANE));
}

function placeByFunction(graph: Graph, streams: number, placement: PlacementFunction): Int32Array {
  return Int32Array.from(graph.nodes, (node) => {
    if (node.kind !== 'kernel') return HOST_LANE;
    const lane: unknown = placement(Object.freeze({ name: node.name, op: node.op, index: node.id }));
    if (!Number.isInteger(lane) || (lane as number) < 0 || (lane as number) >= streams) {
      throw curfewError(
        'INVALID_PLACEMENT',
        `placement of node ${quote(node.name)}: expected a stream from 0 to ${streams - 1}, received ${quote(lane)}`,
        { node: node.name, expected: `integer from 0 to ${streams - 1}`, received: lane },
      );
    }
    return lane as number;
  });
}

/**
 * The lane of each node: an index from 0 for kernel nodes, `HOST_LANE` for all others.
 *
 * @throws INVALID_PLACEMENT when a placement function names a stream that does not exist
 */
export function placeNodes(graph: Graph, streams: number, placement: Placement): Int32Array {
  if (typeof placement === 'function') return placeByFunction(graph, streams, placement);
  if (placement === 'automatic' && streams > 1) return placeAutomatically(graph, streams);
  return placeOnOne(graph);
}
