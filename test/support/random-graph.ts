/**
 * Random graphs of kernel and host nodes: small shapes, bounded values, and every wiring that plans have to get right
 * (fan-out, unused outputs, feeds and constants as outputs, one value under two names).
 */
import { type BuilderValue, GraphBuilder } from '../../runtime/graph-builder.js';
import type { Graph } from '../../scheduler/graph.js';
import {
  allocateData,
  type DType,
  elementCount,
  type Shape,
  sameShape,
  type Tensor,
  type TensorSpec,
} from '../../scheduler/tensor.js';
import { createRandom, type Random } from './random.js';

/** A graph with something to feed it. */
export interface RandomGraph {
  readonly seed: number;
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

/** How large graphs get, and whether they have host nodes. */
export interface RandomGraphOptions {
  /** Most kernel and host nodes. Default 40. */
  readonly nodes?: number;
  /** Default true. */
  readonly host?: boolean;
}

/** Shapes of feeds and constants: such that many of them broadcast, concatenate or multiply. */
const SHAPES: readonly Shape[] = [[], [3], [1, 3], [2, 3], [3, 2], [3, 3], [2, 2, 3], [4, 3], [6]];
const DTYPES: readonly DType[] = ['float32', 'float32', 'float32', 'int32', 'bool'];
/** Beyond it a value is squashed before anything else is done with it, so that no product ever overflows. */
const MAX_MAGNITUDE = 1000;
const MAX_ELEMENTS = 256;

/** A value of the graph under construction, with a bound of its elements' magnitudes. */
interface Item {
  readonly value: BuilderValue;
  readonly bound: number;
}

/** Adds one node (or more) that takes some item; `undefined` when the items at hand do not suit it. */
type Step = (state: State, item: Item) => readonly Item[] | undefined;

class State {
  readonly builder = new GraphBuilder();
  readonly random: Random;
  readonly items: Item[] = [];
  #nodes = 0;

  constructor(random: Random) {
    this.random = random;
  }

  get nodes(): number {
    return this.#nodes;
  }

  kernel(
    op: string,
    inputs: Readonly<Record<string, Item>>,
    attributes: Readonly<Record<string, unknown>>,
    bound: number,
  ): readonly Item[] {
    const values = Object.fromEntries(Object.entries(inputs).map(([name, { value }]) => [name, value]));
    const node = this.builder.kernel(op, values, attributes, { name: this.freshName('n') });
    return node.outputs.map((value) => ({ value, bound }));
  }

  freshName(stem: string): string {
    return `${stem}${this.#nodes++}`;
  }

  /** Another item that satisfies a condition. */
  other(condition: (spec: TensorSpec) => boolean): Item | undefined {
    const suitable = this.items.filter(({ value }) => condition(value.spec));
    return suitable.length === 0 ? undefined : this.random.pick(suitable);
  }
}

const dtypeOf = (item: Item): DType => item.value.spec.dtype;
const shapeOf = (item: Item): Shape => item.value.spec.shape;

function unary(op: string, dtypes: readonly DType[], bound: (of: number) => number): Step {
  return (state, x) =>
    dtypes.includes(dtypeOf(x)) ? state.kernel(op, { x }, {}, bound(x.bound)) : undefined;
}

/** Both operands of one shape, or one of them a scalar. */
function binary(op: string, dtypes: readonly DType[], bound: (a: number, b: number) => number): Step {
  return (state, a) => {
    if (!dtypes.includes(dtypeOf(a))) return undefined;
    const fits = ({ dtype, shape }: TensorSpec) =>
      dtype === dtypeOf(a) && (shape.length === 0 || sameShape(shape, shapeOf(a)));
    const b = state.other(fits);
    return b === undefined ? undefined : state.kernel(op, { a, b }, {}, bound(a.bound, b.bound));
  };
}

const cast: Step = (state, x) => {
  const dtype = dtypeOf(x) === 'float32' ? undefined : 'float32';
  return dtype === undefined ? undefined : state.kernel('Cast', { x }, { dtype }, x.bound);
};

const matMul: Step = (state, a) => {
  const shape = shapeOf(a);
  if (dtypeOf(a) !== 'float32' || shape.length < 2) return undefined;
  const [transposeA, transposeB] = [state.random.next() < 0.3, state.random.next() < 0.3];
  const inner = shape.at(transposeA ? -2 : -1)!;
  const b = state.other(
    (spec) => spec.dtype === 'float32' && spec.shape.length === 2 && spec.shape[transposeB ? 1 : 0] === inner,
  );
  if (b === undefined) return undefined;
  return state.kernel('BatchMatMul', { a, b }, { transposeA, transposeB }, a.bound * b.bound * inner);
};

function reduction(op: string, axes: string, grows: boolean): Step {
  return (state, x) => {
    const shape = shapeOf(x);
    if (shape.length === 0 || dtypeOf(x) === 'bool') return undefined;
    const axis = state.random.integer(0, shape.length - 1);
    const bound = grows ? x.bound * shape[axis]! : x.bound;
    return state.kernel(op, { x }, { [axes]: [axis], keepDims: state.random.next() < 0.5 }, bound);
  };
}

const reshape: Step = (state, x) => {
  const count = elementCount(shapeOf(x));
  const shapes = [[count], [1, count], ...(count % 2 === 0 ? [[2, count / 2]] : [])];
  return state.kernel('Reshape', { x }, { shape: state.random.pick(shapes) }, x.bound);
};

const transpose: Step = (state, x) =>
  state.kernel('Transpose', { x }, { perm: state.random.shuffle([...shapeOf(x).keys()]) }, x.bound);

const concat: Step = (state, first) => {
  const shape = shapeOf(first);
  if (shape.length === 0) return undefined;
  const axis = state.random.integer(0, shape.length - 1);
  const fits = (spec: TensorSpec) =>
    spec.dtype === dtypeOf(first) &&
    spec.shape.length === shape.length &&
    spec.shape.every((length, index) => index === axis || length === shape[index]);
  const second = state.other(fits)!;
  return state.kernel('Concat', { 0: first, 1: second }, { axis }, Math.max(first.bound, second.bound));
};

const unpack: Step = (state, value) => {
  const shape = shapeOf(value);
  if (shape.length === 0) return undefined;
  const axis = state.random.integer(0, shape.length - 1);
  return shape[axis]! > 4 ? undefined : state.kernel('Unpack', { value }, { axis }, value.bound);
};

const split: Step = (state, x) => {
  const axis = shapeOf(x).findIndex((length) => length % 2 === 0 && length > 0);
  return axis === -1 ? undefined : state.kernel('SplitV', { x }, { numOrSizeSplits: 2, axis }, x.bound);
};

/** Halves a float, beside an output with the number of its elements. */
const host: Step = (state, item) => {
  if (dtypeOf(item) !== 'float32') return undefined;
  const { spec } = item.value;
  const turns = state.random.integer(0, 2);
  const outputs = state.builder.host(state.freshName('n'), {
    inputs: { x: item.value },
    outputs: { half: spec, count: { dtype: 'int32', shape: [] } },
    run: async ({ x }) => {
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      const data = (x!.data as Float32Array).map((element) => element / 2);
      return { half: { ...spec, data }, count: Int32Array.of(data.length) };
    },
  });
  return [
    { value: outputs.half, bound: item.bound },
    { value: outputs.count, bound: elementCount(spec.shape) },
  ];
};

const FLOAT: readonly DType[] = ['float32'];
const NUMBERS: readonly DType[] = ['float32', 'int32'];
const squash = unary('Tanh', FLOAT, () => 1);
const sum = (a: number, b: number): number => a + b;
const unchanged = (of: number): number => of;

/** Weighted by repetition. None jumps at a point of its domain, so that rounding cannot decide a result. */
const KERNEL_STEPS: readonly Step[] = [
  squash,
  unary('Sigmoid', FLOAT, () => 1),
  unary('Relu', FLOAT, unchanged),
  unary('Abs', NUMBERS, unchanged),
  unary('Neg', NUMBERS, unchanged),
  unary('LogicalNot', ['bool'], () => 1),
  binary('Add', NUMBERS, sum),
  binary('Add', NUMBERS, sum),
  binary('Sub', NUMBERS, sum),
  binary('Multiply', NUMBERS, (a, b) => a * b),
  binary('Maximum', NUMBERS, Math.max),
  binary('Minimum', NUMBERS, Math.max),
  binary('Less', ['int32'], () => 1),
  binary('LogicalAnd', ['bool'], () => 1),
  cast,
  matMul,
  matMul,
  reduction('Sum', 'axis', true),
  reduction('Max', 'reductionIndices', false),
  reshape,
  transpose,
  concat,
  unpack,
  split,
];

function randomTensor(random: Random): Tensor {
  const spec = { dtype: random.pick(DTYPES), shape: random.pick(SHAPES) };
  const data = allocateData(spec.dtype, elementCount(spec.shape));
  for (let index = 0; index < data.length; index++) {
    if (spec.dtype === 'float32') data[index] = random.next() * 4 - 2;
    else data[index] = spec.dtype === 'int32' ? random.integer(-5, 5) : random.integer(0, 1);
  }
  return { ...spec, data };
}

function addSources(state: State): Record<string, Tensor> {
  const { random, builder } = state;
  const feeds: Record<string, Tensor> = {};
  for (let index = random.integer(1, 4); index > 0; index--) {
    const tensor = randomTensor(random);
    feeds[`feed${index}`] = tensor;
    state.items.push({ value: builder.input(`feed${index}`, tensor), bound: 5 });
  }
  for (let index = random.integer(0, 3); index > 0; index--) {
    const value = builder.constant(`constant${index}`, randomTensor(random));
    state.items.push({ value, bound: 5 });
  }
  return feeds;
}

/** The integers of a value that grew beyond the bound cannot be squashed; they are not used any more. */
function usable({ value, bound }: Item): boolean {
  return (
    elementCount(value.spec.shape) <= MAX_ELEMENTS &&
    (bound <= MAX_MAGNITUDE || value.spec.dtype === 'float32')
  );
}

function addNode(state: State, steps: readonly Step[]): void {
  const { random } = state;
  // Recent items more often than old ones, for depth.
  const recent = random.next() < 0.5 ? state.items.slice(-4) : state.items;
  const item = random.pick(recent);
  const step = item.bound > MAX_MAGNITUDE ? squash : random.pick(steps);
  state.items.push(...(step(state, item) ?? []).filter(usable));
}

/** Some values as outputs, at times one of them under a second name; the others go unused. */
function addOutputs({ builder, random, items }: State): void {
  const chosen = random.shuffle(items).slice(0, random.integer(1, 5));
  if (random.next() < 0.7) chosen.push(items.at(-1)!);
  if (random.next() < 0.3) chosen.push(random.pick(chosen));
  for (const [index, { value }] of chosen.entries()) builder.output(`output${index}`, value);
}

/** The graph of a seed. */
export function randomGraph(seed: number, options: RandomGraphOptions = {}): RandomGraph {
  const random = createRandom(seed);
  const state = new State(random);
  const feeds = addSources(state);
  const steps = options.host === false ? KERNEL_STEPS : [...KERNEL_STEPS, host, host];
  const nodes = random.integer(1, options.nodes ?? 40);
  // Steps that do not suit their item add nothing; the second bound ends graphs that none suits.
  for (let attempt = 0; state.nodes < nodes && attempt < 10 * nodes; attempt++) addNode(state, steps);
  addOutputs(state);
  return { seed, graph: state.builder.build(), feeds };
}
