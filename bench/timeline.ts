/**
 * What does recording a timeline cost per node, and what does being able to record cost when nothing is recorded?
 *
 * Measured: a chain of 1000 `Add`s on 16 floats, where hardly anything but dispatch counts, with and without a timeline,
 * in turns. A node's cost is the difference of the runs' durations (`report.durationMs`, from dispatch to settling) over
 * their nodes, messages and rings included. Each duration is the least of a block of rounds; median and p5–p95 are over
 * blocks. Runs that do not record take turns with the others twice, which shows how much two equal sides differ here.
 *
 * Expected: at most 150 ns per node, one clock reading (40 ns), six stores and an atomic one; for the engine's timeline
 * the same, as a run writes one ring either way; about as much again for nothing recorded as two equal sides differ, as
 * that is one look at `undefined` per segment.
 *
 * Run `node dist/bench/timeline.js [--smoke]`.
 */
import { createEngine, type Engine, type Executable, type RunOptions } from '../runtime/index.js';
import { addChain, TINY_LENGTH } from './chains.js';
import {
  alternate,
  type Finding,
  leastOfBlocks,
  pairwise,
  printFindings,
  printHeading,
  progress,
  repetitions,
  type Side,
  type Summary,
} from './harness.js';

const NODES = 1000;
const ROUNDS = repetitions(1000, 4);
const BLOCK_ROUNDS = repetitions(25, 2);
const WARM_UPS = repetitions(50, 2);
const MAX_NS = 150;

const formatNs = ({ median, p5, p95 }: Summary): string =>
  `${median.toFixed(0)} ns (${p5.toFixed(0)}…${p95.toFixed(0)})`;

/** What a side costs above another per node, block by block. */
function addedNs(side: readonly number[], base: readonly number[]): Summary {
  const [sideMs, baseMs] = [side, base].map((samples) => leastOfBlocks(samples, BLOCK_ROUNDS));
  return pairwise(sideMs!, baseMs!, (a, b) => ((a - b) * 1e6) / NODES);
}

/** The same run in ways that differ in what is recorded. */
function sidesOf(engine: Engine, chain: Executable, options: RunOptions) {
  const x = new Float32Array(TINY_LENGTH);
  const run = async (more: RunOptions) => (await chain.run({ x }, { ...options, ...more })).report.durationMs;
  const whileEngineRecords: Side = async () => {
    engine.startTimeline({ maxRecords: 2 * NODES });
    const ms = await run({});
    engine.stopTimeline();
    return ms;
  };
  const off = () => run({});
  return { off, 'off again': off, own: () => run({ timeline: true }), engine: whileEngineRecords };
}

async function measure(
  engine: Engine,
  chain: Executable,
  mode: string,
  options: RunOptions,
): Promise<Finding[]> {
  progress(`mode ${mode}: ${ROUNDS} rounds of runs of ${NODES} nodes`);
  const samples = await alternate(sidesOf(engine, chain, options), { warmUps: WARM_UPS, rounds: ROUNDS });
  const finding = (what: string, side: readonly number[], maxNs: number | undefined): Finding => {
    const added = addedNs(side, samples.off);
    return {
      what: `mode ${mode}: ${what} per node`,
      expected: maxNs === undefined ? 'about 0' : `≤ ${maxNs} ns`,
      measured: formatNs(added),
      ...(maxNs === undefined ? {} : { met: added.median <= maxNs }),
    };
  };
  return [
    finding('timeline: true adds', samples.own, MAX_NS),
    finding("the engine's timeline adds", samples.engine, MAX_NS),
    finding('not recording, against itself, adds', samples['off again'], undefined),
  ];
}

printHeading(
  'What does recording a timeline cost per node?',
  `≤ ${MAX_NS} ns: one clock reading, six stores and an atomic one. Nothing when off: one look at undefined per segment.`,
);
await using engine = await createEngine();
const chain = await engine.compile(addChain(NODES), { name: 'chain' });
printFindings([
  ...(await measure(engine, chain, "'none'", { cancellation: 'none' })),
  ...(await measure(engine, chain, "'node'", { cancellation: 'node' })),
]);
