/** Compiles a graph into a plan: the frozen result that every run of it shares. */
import { curfewError, invariant } from './errors.js';
import type { Graph, HostNode, KernelNode, NodeId, ValueId } from './graph.js';
import { isWork } from './graph.js';
import type { ProgramNode } from './kernel.js';
import { MAX_TENSOR_BYTES } from './limits.js';
import { HOST_LANE, type Placement, placeNodes } from './placement.js';
import type {
  ConstantEntry,
  ExchangeEntry,
  NodeExports,
  ProgramStep,
  SegmentProgram,
  StreamProgram,
} from './program.js';
import { crosses, cutSegments } from './segment.js';
import { byteLength, type TensorData, type TensorSpec } from './tensor.js';

/** What the scheduler dispatches: a segment on a lane, or a host node on the main thread. */
export type Unit =
  | {
      readonly kind: 'segment';
      readonly index: number;
      readonly lane: number;
      /** Index into the lane's `StreamProgram.segments`. */
      readonly segment: number;
      readonly nodes: readonly NodeId[];
    }
  | { readonly kind: 'host'; readonly index: number; readonly node: HostNode };

/** A frozen plan. Everything a run needs to know that is the same for all runs. */
export interface Plan {
  readonly graph: Graph;
  /** Streams a run takes: 1, or every stream of the engine when the graph is spread. */
  readonly lanes: number;
  readonly units: readonly Unit[];
  /** Prerequisites of each unit: awaited nodes of elsewhere, and submissions of earlier segments of its lane. */
  readonly pending: Int32Array;
  /** Units that wait for a node. */
  readonly afterNode: ReadonlyMap<NodeId, readonly number[]>;
  /** Units that wait for a unit's submission. */
  readonly afterSubmission: readonly (readonly number[])[];
  readonly programs: readonly StreamProgram[];
  /** The constants of all programs, back to back. */
  readonly constantBytes: number;
  /** Size of a run's exchange buffer. */
  readonly exchangeBytes: number;
  /** Feeds and host values that streams read, by value. */
  readonly exchange: ReadonlyMap<ValueId, ExchangeEntry>;
  /** Constants that the main thread hands out: graph outputs, and inputs of host nodes. */
  readonly mainConstants: readonly { readonly value: ValueId; readonly data: TensorData }[];
  /** Kernel and host nodes. */
  readonly workNodes: number;
}

const ALIGNMENT_BYTES = 8;
const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;

/** The spec of a value alone, as messages between threads carry it. */
function specOf(graph: Graph, value: ValueId): TensorSpec {
  const { dtype, shape } = graph.values[value]!;
  return { dtype, shape };
}

/** Where each value goes from where it is made. */
interface Flows {
  /** Lanes (and `HOST_LANE`) that consume each value. */
  readonly consumers: readonly ReadonlySet<number>[];
  readonly outputs: ReadonlySet<ValueId>;
  readonly exchange: ReadonlyMap<ValueId, ExchangeEntry>;
  readonly exchangeBytes: number;
}

function traceFlows(graph: Graph, lanes: Int32Array): Flows {
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

function exportsOf(graph: Graph, node: KernelNode, lanes: Int32Array, flows: Flows): NodeExports | undefined {
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

/** The values a lane's segments touch: used or made by them, constants aside. */
function touchedValues(graph: Graph, nodes: readonly NodeId[]): Set<ValueId> {
  const touched = new Set<ValueId>();
  for (const id of nodes) {
    const node = graph.nodes[id]!;
    for (const value of [...node.inputs, ...node.outputs]) {
      if (graph.nodes[graph.values[value]!.producer]!.kind !== 'constant') touched.add(value);
    }
  }
  return touched;
}

/** For each node of a segment, the values nobody needs after it. `shared` values outlive the segment. */
function lastUses(
  graph: Graph,
  nodes: readonly NodeId[],
  touched: ReadonlySet<ValueId>,
  shared: ReadonlySet<ValueId>,
): ValueId[][] {
  const seen = new Set<ValueId>();
  const frees: ValueId[][] = nodes.map(() => []);
  for (let index = nodes.length - 1; index >= 0; index--) {
    const node = graph.nodes[nodes[index]!]!;
    for (const value of [...node.inputs, ...node.outputs]) {
      if (seen.has(value) || shared.has(value) || !touched.has(value)) continue;
      seen.add(value);
      frees[index]!.push(value);
    }
  }
  return frees;
}

function laneConstants(
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

function buildProgram(
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

/** Who waits for whom. */
function linkUnits(graph: Graph, lanes: Int32Array, units: readonly Unit[]) {
  const unitOf = new Map<NodeId, number>();
  for (const unit of units) {
    for (const id of unit.kind === 'segment' ? unit.nodes : [unit.node.id]) unitOf.set(id, unit.index);
  }
  const pending = new Int32Array(units.length);
  const afterNode = new Map<NodeId, number[]>();
  const afterSubmission: number[][] = units.map(() => []);
  for (const unit of units) {
    const awaited = new Set<NodeId>();
    const submitted = new Set<number>();
    for (const id of unit.kind === 'segment' ? unit.nodes : [unit.node.id]) {
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

function mainConstants(graph: Graph, { consumers, outputs }: Flows): Plan['mainConstants'] {
  return graph.nodes.flatMap((node) => {
    if (node.kind !== 'constant') return [];
    const value = node.outputs[0]!;
    return outputs.has(value) || consumers[value]!.has(HOST_LANE) ? [{ value, data: node.data }] : [];
  });
}

function layOutConstants(graph: Graph): { offsets: Map<ValueId, number>; bytes: number } {
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

/**
 * Compiles a graph: gives each node a lane, cuts segments, finds last uses and crossings. A lane becomes a stream when
 * a run is dispatched; a plan of one lane can run on any stream.
 *
 * @param streams how many streams the engine has
 * @throws INVALID_PLACEMENT, LIMIT_EXCEEDED
 */
export function planGraph(
  graph: Graph,
  options: { readonly streams: number; readonly placement: Placement },
): Plan {
  const laneOf = placeNodes(graph, options.streams, options.placement);
  const lanes = laneOf.reduce((most, lane) => Math.max(most, lane + 1), 1);
  const flows = traceFlows(graph, laneOf);
  const constants = layOutConstants(graph);
  const segments = cutSegments(graph, laneOf);
  const units: Unit[] = [];
  const byLane: { nodes: NodeId[] }[][] = Array.from({ length: lanes }, () => []);
  for (const { lane, nodes } of segments) {
    units.push({ kind: 'segment', index: units.length, lane, segment: byLane[lane]!.length, nodes });
    byLane[lane]!.push({ nodes });
  }
  for (const node of graph.nodes)
    if (node.kind === 'host') units.push({ kind: 'host', index: units.length, node });
  return Object.freeze({
    graph,
    lanes,
    units: Object.freeze(units.map((unit) => Object.freeze(unit))),
    ...linkUnits(graph, laneOf, units),
    programs: byLane.map((own, lane) => buildProgram(graph, lane, laneOf, own, flows, constants.offsets)),
    constantBytes: constants.bytes,
    exchangeBytes: flows.exchangeBytes,
    exchange: flows.exchange,
    mainConstants: mainConstants(graph, flows),
    workNodes: graph.nodes.filter(isWork).length,
  });
}

/** Writes the constants of a graph where its plan's programs expect them. */
export function writeConstants(graph: Graph, plan: Plan, target: Uint8Array): void {
  const { offsets } = layOutConstants(graph);
  invariant(target.byteLength >= plan.constantBytes, 'the constant buffer is as large as the plan says');
  for (const [value, byteOffset] of offsets) {
    const node = graph.nodes[graph.values[value]!.producer]!;
    invariant(node.kind === 'constant', 'only constants have a place in the constant buffer');
    target.set(new Uint8Array(node.data.buffer, node.data.byteOffset, node.data.byteLength), byteOffset);
  }
}
