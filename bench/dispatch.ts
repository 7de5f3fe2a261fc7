/**
 * What does dispatching a node cost, and what do cancellation points add?
 *
 * Measured: a chain of `Add`s on 16 floats, where hardly anything but dispatch counts, at two lengths. A node's cost is
 * the difference of both durations (`report.durationMs`, from dispatch to settling) over the difference of their nodes,
 * so that messages and feeds drop out. Each duration is the least of a block of rounds; median and p5–p95 are over blocks.
 *
 * Expected: mode `'none'` at most 1.6 µs per node, a call of a wasm kernel with its bookkeeping; mode `'node'` at most
 * 60 ns more, one atomic load; `{ precisionMs }` about as much, additions and a clock reading now and then; a timeline one
 * clock reading per node and its entry. TensorFlow.js's `GraphModel.execute` looks up tensors by name and goes through its
 * engine for each node; 4.8 µs were measured before.
 *
 * Run `node dist/bench/dispatch.js [--smoke]`.
 */
import '@tensorflow/tfjs-backend-wasm';
import { type GraphModel, loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { createEngine, type Engine, type RunOptions } from '../runtime/index.js';
import { addChain, TINY_LENGTH } from './chains.js';
import {
  alternate,
  type Finding,
  leastOfBlocks,
  pairwise,
  printFindings,
  printHeading,
  progress,
  ratioOf,
  repetitions,
  type Side,
  type Summary,
  summarize,
  timeMs,
} from './harness.js';

const SHORT = 1000;
const LONG = 5000;
/** For the modes, which differ by nanoseconds. */
const MODE_ROUNDS = repetitions(600, 4);
/** For the comparison with TensorFlow.js, which takes longer and differs by more. */
const MODEL_ROUNDS = repetitions(100, 4);
const BLOCK_ROUNDS = repetitions(25, 2);
const WARM_UPS = repetitions(30, 2);
const MAX_NONE_US = 1.6;
const MAX_NODE_NS = 60;

/** The same work on the short and on the long chain; both return milliseconds. */
interface Pair {
  readonly short: Side;
  readonly long: Side;
}

async function curfewPairs(engine: Engine) {
  const short = await engine.compile(addChain(SHORT), { name: 'short' });
  const long = await engine.compile(addChain(LONG), { name: 'long' });
  const x = new Float32Array(TINY_LENGTH);
  const pair = (options: RunOptions): Pair => ({
    short: async () => (await short.run({ x }, options)).report.durationMs,
    long: async () => (await long.run({ x }, options)).report.durationMs,
  });
  return {
    none: pair({ cancellation: 'none' }),
    node: pair({ cancellation: 'node' }),
    precision: pair({ cancellation: { precisionMs: 1 } }),
    timeline: pair({ cancellation: 'none', timeline: true }),
  };
}

/** The same chain as a TensorFlow graph. */
function addChainModel(nodes: number): Promise<GraphModel> {
  const dtype = { type: 'DT_FLOAT' };
  const shape = { shape: { dim: [{ size: TINY_LENGTH }] } };
  const adds = Array.from({ length: nodes }, (_, index) => ({
    name: `add${index}`,
    op: 'AddV2',
    input: [index === 0 ? 'x' : `add${index - 1}`, 'one'],
    attr: { T: dtype },
  }));
  const modelTopology = {
    node: [
      { name: 'x', op: 'Placeholder', attr: { dtype, shape } },
      { name: 'one', op: 'Const', attr: { dtype } },
      ...adds,
    ],
    versions: { producer: 1 },
  };
  return loadGraphModel({
    load: () =>
      Promise.resolve({
        modelTopology,
        weightSpecs: [{ name: 'one', shape: [TINY_LENGTH], dtype: 'float32' }],
        weightData: new Float32Array(TINY_LENGTH).fill(1).buffer,
      }),
  });
}

async function graphModelPair(): Promise<Pair> {
  const x = tf.zeros([TINY_LENGTH]);
  const executing =
    (model: GraphModel): Side =>
    () =>
      timeMs(() => {
        const y = model.execute(x) as tf.Tensor;
        y.dataSync();
        y.dispose();
      });
  return { short: executing(await addChainModel(SHORT)), long: executing(await addChainModel(LONG)) };
}

/** Microseconds per node, by block of rounds. */
interface NodeCosts {
  /** By difference: what each further node costs. */
  readonly further: readonly number[];
  /** The whole short run, feeds and messages included. */
  readonly whole: readonly number[];
}

/** Alternates all pairs. */
async function measureNodeCosts<Name extends string>(
  pairs: Readonly<Record<Name, Pair>>,
  rounds: number,
): Promise<Record<Name, NodeCosts>> {
  const entries = Object.entries<Pair>(pairs) as [Name, Pair][];
  const sides = entries.flatMap(([name, { short, long }]) => [
    [`${name} short`, short] as const,
    [`${name} long`, long] as const,
  ]);
  const samples = await alternate(Object.fromEntries(sides), { warmUps: WARM_UPS, rounds });
  const costs = entries.map(([name]): [Name, NodeCosts] => {
    const shortMs = leastOfBlocks(samples[`${name} short`]!, BLOCK_ROUNDS);
    const longMs = leastOfBlocks(samples[`${name} long`]!, BLOCK_ROUNDS);
    return [
      name,
      {
        further: longMs.map((ms, block) => ((ms - shortMs[block]!) * 1000) / (LONG - SHORT)),
        whole: shortMs.map((ms) => (ms * 1000) / SHORT),
      },
    ];
  });
  return Object.fromEntries(costs) as Record<Name, NodeCosts>;
}

const formatUs = ({ median, p5, p95 }: Summary): string =>
  `${median.toFixed(3)} µs (${p5.toFixed(3)}–${p95.toFixed(3)})`;
const formatRatio = ({ median, p5, p95 }: Summary): string =>
  `${median.toFixed(2)}× (${p5.toFixed(2)}–${p95.toFixed(2)})`;
const formatNs = ({ median, p5, p95 }: Summary): string =>
  `${(median * 1000).toFixed(0)} ns (${(p5 * 1000).toFixed(0)}…${(p95 * 1000).toFixed(0)})`;

/** A side's cost above mode `'none'`, block by block. */
function addedBy(what: string, side: NodeCosts, none: NodeCosts, maxNs?: number): Finding {
  const added = pairwise(side.further, none.further, (a, b) => a - b);
  return {
    what: `${what} adds per node`,
    expected: maxNs === undefined ? '' : `≤ ${maxNs} ns`,
    measured: formatNs(added),
    ...(maxNs === undefined ? {} : { met: added.median * 1000 <= maxNs }),
  };
}

printHeading(
  'What does dispatching a node cost, and what do cancellation points add?',
  `mode 'none' ≤ ${MAX_NONE_US} µs per node, as one call of a wasm kernel costs; mode 'node' ≤ ${MAX_NODE_NS} ns more, ` +
    'one atomic load.',
);
tf.enableProdMode();
await tf.setBackend('wasm');
await using engine = await createEngine();
const modes = await curfewPairs(engine);
progress(`chains of ${SHORT} and ${LONG} nodes, ${MODE_ROUNDS} rounds of all modes`);
const costs = await measureNodeCosts(modes, MODE_ROUNDS);
progress(`the same against GraphModel.execute, ${MODEL_ROUNDS} rounds`);
const { none, model } = await measureNodeCosts(
  { none: modes.none, model: await graphModelPair() },
  MODEL_ROUNDS,
);
const noneUs = summarize(costs.none.further);
printFindings([
  {
    what: "mode 'none' per node",
    expected: `≤ ${MAX_NONE_US} µs`,
    measured: formatUs(noneUs),
    met: noneUs.median <= MAX_NONE_US,
  },
  addedBy("mode 'node'", costs.node, costs.none, MAX_NODE_NS),
  addedBy('{ precisionMs: 1 }', costs.precision, costs.none),
  addedBy('timeline', costs.timeline, costs.none),
  {
    what: 'GraphModel.execute (TensorFlow.js wasm) per node',
    expected: '',
    measured: formatUs(summarize(model.further)),
  },
  {
    what: "GraphModel.execute against mode 'none'",
    expected: '> 1×',
    measured: formatRatio(ratioOf(model.further, none.further)),
  },
  {
    what: `the same, whole runs of ${SHORT} nodes`,
    expected: '> 1×',
    measured: `${formatRatio(ratioOf(model.whole, none.whole))}: ${formatUs(summarize(model.whole))} → ${formatUs(summarize(none.whole))}`,
  },
]);
