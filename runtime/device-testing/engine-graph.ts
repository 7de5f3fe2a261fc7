/** The graph that whole runs are checked with, of ops that the device has. */
import { interpret } from '../../kernels/reference/interpret.js';
import type { Graph } from '../../scheduler/graph.js';
import type { Tensor, TensorSpec } from '../../scheduler/tensor.js';
import { type BuilderValue, GraphBuilder } from '../graph-builder.js';
import { type Bench, onBench } from './bench.js';
import { carrierOn } from './carrier.js';
import { nodeOf } from './nodes.js';
import type { Subject } from './options.js';
import { randomOf, randomTensor } from './tensors.js';

const SPEC: TensorSpec = { dtype: 'float32', shape: [4, 6] };

/** Kernel nodes on the way through the graph. */
export const DEPTH = 24;

/** Host nodes stand behind every so many kernel nodes. */
const HOST_EVERY = 6;

/** What the device has of what the graph is made of. */
interface Parts {
  readonly op: string;
  readonly inputNames: readonly string[];
  readonly hasAdd: boolean;
  readonly hasReshape: boolean;
}

function partsOf(bench: Bench): Parts {
  const { op, inputNames } = carrierOn(bench, SPEC.shape).node;
  const add = nodeOf({ op: 'Add', inputs: { a: SPEC, b: SPEC } });
  const reshape = nodeOf({ op: 'Reshape', inputs: { x: SPEC }, attributes: { shape: [24] } });
  return {
    op,
    inputNames,
    hasAdd: bench.prepare(add) !== undefined,
    hasReshape: bench.prepare(reshape) !== undefined,
  };
}

/** A graph, with feeds and what they give. */
export interface EngineCase {
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly expected: Readonly<Record<string, Tensor>>;
  /** Called by each host node with its number, from 0; the number of host nodes. */
  readonly hosts: { onHost(number: number): void; readonly count: number };
}

type Hosts = { onHost(number: number): void; count: number };

/** Keeps values in bounds however deep the graph. */
function addHost(builder: GraphBuilder, input: BuilderValue, hosts: Hosts): BuilderValue {
  const number = hosts.count++;
  const { scaled } = builder.host(`host ${number}`, {
    inputs: { input },
    outputs: { scaled: SPEC },
    run: ({ input: tensor }) => {
      hosts.onHost(number);
      const data = (tensor!.data as Float32Array).map((value) => Math.sin(value));
      return { scaled: { ...SPEC, data } };
    },
  });
  return scaled;
}

/** A chain with a branch, a constant, host nodes in between, and a reshape before one of its outputs. */
function buildGraph(parts: Parts, constant: Tensor, hosts: Hosts, lastName: string): Graph {
  const builder = new GraphBuilder();
  const carry = (input: BuilderValue, name?: string) =>
    builder.kernel(parts.op, Object.fromEntries(parts.inputNames.map((key) => [key, input])), {}, { name });
  const add = (a: BuilderValue, b: BuilderValue) =>
    parts.hasAdd ? builder.kernel('Add', { a, b }) : carry(a);
  const bias = builder.constant('bias', constant);
  let value: BuilderValue = builder.input('x', SPEC);
  const branch = carry(value);
  for (let depth = 0; depth < DEPTH; depth++) {
    if (depth % HOST_EVERY === HOST_EVERY - 1) value = addHost(builder, value, hosts);
    else if (depth % HOST_EVERY === 2) value = add(value, depth % 2 === 0 ? bias : branch);
    else value = carry(value);
  }
  builder.output('y', carry(value, lastName));
  builder.output(
    'z',
    parts.hasReshape ? builder.kernel('Reshape', { x: branch }, { shape: [24] }) : carry(branch),
  );
  return builder.build();
}

/**
 * The graph for this device.
 *
 * @param lastName name of its last node
 */
export async function engineCase(subject: Subject, lastName = 'last'): Promise<EngineCase> {
  const parts = await onBench(subject, async (bench) => partsOf(bench));
  const random = randomOf(subject.options);
  const hosts: Hosts = { onHost: () => undefined, count: 0 };
  const graph = buildGraph(parts, randomTensor(SPEC, random), hosts, lastName);
  const feeds = { x: randomTensor(SPEC, random) };
  return { graph, feeds, expected: await interpret(graph, feeds), hosts };
}
