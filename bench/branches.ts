/**
 * Do two streams help one graph, and several runs?
 *
 * Expected: two independent branches of equal weight take half the time on two streams, less the way of the input to the
 * second stream and of its output back: at least 1.6 times as fast. Eight independent runs spread over the streams by
 * themselves and gain about as much. Both only where two cores are free.
 *
 * Run `node dist/bench/branches.js [--smoke]`.
 */
import { availableParallelism } from 'node:os';
import { createEngine, type Executable } from '../runtime/index.js';
import { matmulChains, squareMatrix } from './chains.js';
import {
  alternate,
  printFindings,
  printHeading,
  progress,
  ratioOf,
  repetitions,
  type Summary,
  summarize,
  timeMs,
} from './harness.js';
import { findMatmulSize } from './matmul-size.js';
import { formatMs } from './table.js';

const NODE_MS = 10;
const NODES = repetitions(15, 2);
const ROUNDS = repetitions(25, 2);
const RUNS = 8;
const LEAST_GAIN = 1.6;

const formatGain = ({ median, p5, p95 }: Summary): string =>
  `${median.toFixed(2)}× (${p5.toFixed(2)}–${p95.toFixed(2)})`;

printHeading(
  'Do two streams help one graph, and several runs?',
  `two equal branches at least ${LEAST_GAIN}× as fast on two streams (this machine has ${availableParallelism()} threads), ` +
    'since they share nothing but their input; several runs likewise.',
);
await using one = await createEngine({ streams: 1 });
await using two = await createEngine({ streams: 2 });
const size = await findMatmulSize(one, NODE_MS);
const x = squareMatrix(size, 2).data;
const branches = matmulChains(size, NODES, 2);
const chain = matmulChains(size, NODES);
progress(`branches of ${NODES} products of ${size}×${size} matrices, ${ROUNDS} rounds`);

const run = (executable: Executable) => () => timeMs(() => executable.run({ x }));
const together = await alternate(
  {
    one: run(await one.compile(branches, { placement: 'automatic' })),
    two: run(await two.compile(branches, { placement: 'automatic' })),
  },
  { warmUps: 3, rounds: ROUNDS },
);

progress(`${RUNS} runs of one branch at once, ${ROUNDS} rounds`);
const runAll = (executable: Executable) => () =>
  timeMs(() => Promise.all(Array.from({ length: RUNS }, () => executable.run({ x }))));
const apart = await alternate(
  { one: runAll(await one.compile(chain)), two: runAll(await two.compile(chain)) },
  { warmUps: 1, rounds: Math.ceil(ROUNDS / 3) },
);

const branchGain = ratioOf(together.one, together.two);
const runGain = ratioOf(apart.one, apart.two);
printFindings([
  {
    what: 'two branches, one run',
    expected: `≥ ${LEAST_GAIN}×`,
    measured: `${formatGain(branchGain)}: ${formatMs(summarize(together.one).median)} → ${formatMs(summarize(together.two).median)}`,
    met: branchGain.median >= LEAST_GAIN,
  },
  {
    what: `${RUNS} runs of one branch`,
    expected: `≥ ${LEAST_GAIN}×`,
    measured: `${formatGain(runGain)}: ${formatMs(summarize(apart.one).median)} → ${formatMs(summarize(apart.two).median)}`,
    met: runGain.median >= LEAST_GAIN,
  },
]);
