/** Builds a simulation's graph, and computes with the interpreter what its runs have to return. */
import { interpret } from '../../kernels/reference/interpret.js';
import { GraphBuilder } from '../../runtime/graph-builder.js';
import type { Graph, HostContext } from '../../scheduler/graph.js';
import type { Tensor, TensorData } from '../../scheduler/tensor.js';
import type { GraphSpec, HostSpec, KernelSpec } from './scenario.js';

const PAIR = { dtype: 'float32', shape: [2] } as const;

/** What the function of a host node does besides computing: take time, fail, be watched; what it returns instead, if anything. */
export type HostBehaviour = (spec: HostSpec, context: HostContext) => Promise<unknown>;

const NOTHING_BESIDES: HostBehaviour = () => Promise.resolve(undefined);

const VARIADIC = ['0', '1', '2', '3', '4', '5'];
const INPUT_NAMES = {
  Neg: ['x'],
  Add: ['a', 'b'],
  Multiply: ['a', 'b'],
  AddN: VARIADIC,
  SplitV: ['x'],
} as const;

function addKernel(builder: GraphBuilder, { name, op, inputs }: KernelSpec): void {
  const names = INPUT_NAMES[op];
  const byName = Object.fromEntries(inputs.map((reference, index) => [names[index]!, reference]));
  builder.kernel(op, byName, op === 'SplitV' ? { numOrSizeSplits: 2, axis: 0 } : {}, { name });
}

function addHost(builder: GraphBuilder, spec: HostSpec, behaviour: HostBehaviour): void {
  builder.host(spec.name, {
    inputs: Object.fromEntries(spec.inputs.map((reference, index) => [`i${index}`, reference])),
    outputs: { sum: PAIR, first: PAIR },
    run: async (inputs, context) => {
      const instead = await behaviour(spec, context);
      if (instead !== undefined) return instead as Record<string, Tensor>;
      const elements = Object.values(inputs).flatMap(({ data }) => [...data]);
      const sum = elements.reduce((total, element) => total + element, 0);
      return { sum: Float32Array.of(sum, sum / 2), first: Float32Array.of(elements[0]!, -elements[0]!) };
    },
  });
}

/** The graph of a spec. */
export function buildGraph(spec: GraphSpec, behaviour: HostBehaviour = NOTHING_BESIDES): Graph {
  const builder = new GraphBuilder();
  builder.input('x', PAIR);
  builder.input('y', PAIR);
  builder.constant('c', { ...PAIR, data: Float32Array.of(0.5, -1.25) });
  for (const node of spec.nodes) {
    if (node.kind === 'kernel') addKernel(builder, node);
    else addHost(builder, node, behaviour);
  }
  for (const reference of spec.outputs) builder.output(outputName(reference), reference);
  return builder.build();
}

/** The name of the output that a value is returned under. */
export const outputName = (reference: string): string => `out ${reference.replace(':', '/')}`;

/** Feeds that no two numbers share. */
export function feedsOf(feed: number): Record<string, Tensor> {
  return {
    x: { ...PAIR, data: Float32Array.of(1 + feed / 64, -2 - feed / 32) },
    y: { ...PAIR, data: Float32Array.of(0.75 - feed / 16, 3 + feed / 128) },
  };
}

/** Computes expected outputs, once per feed. */
export class Reference {
  readonly #graph: Graph;
  readonly #results = new Map<number, Promise<Record<string, Tensor>>>();

  constructor(spec: GraphSpec) {
    this.#graph = buildGraph(spec);
  }

  outputs(feed: number): Promise<Record<string, Tensor>> {
    let result = this.#results.get(feed);
    if (result === undefined) {
      result = interpret(this.#graph, feedsOf(feed));
      this.#results.set(feed, result);
    }
    return result;
  }
}

/** Bit by bit: both sides call the same kernels. */
export function sameData(a: TensorData, b: TensorData): boolean {
  return a.length === b.length && a.every((element, index) => Object.is(element, b[index]));
}
