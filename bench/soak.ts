/**
 * Does memory come back over thousands of runs?
 *
 * Measured: resident memory of the process and the engine's own figures every 500 runs, when nothing is in flight; two
 * streams, eight runs at a time, a third of them aborted or timed out at random instants, in all modes.
 *
 * Expected: at every sample no bytes live, no slot taken, no listener left, constants unchanged, every output right; and
 * memory flat after the first thousand runs: the median of the last third of the samples is above the median of the
 * first third by no more than 5 %. Medians, because a garbage collector's saw teeth are no leak.
 *
 * Run `node --expose-gc dist/bench/soak.js [--device wasm|tensorflow|webgpu] [--runs 10000] [--seed 1]`. Ends with exit code 1 when not as expected.
 */
import { parseArgs } from 'node:util';
import { runSoak, type SoakSample } from './soak/run-soak.js';

const WARM_UP_RUNS = 1000;
const SAMPLE_EVERY = 500;
const MAX_GROWTH = 1.05;
const MIB = 2 ** 20;

const { values } = parseArgs({
  options: {
    device: { type: 'string', default: 'wasm' },
    runs: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
  },
});
const runs = Number(values.runs);

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;
}

/** Resident memory in the last third over that in the first, warm-up aside; undefined for too few samples. */
function growth(samples: readonly SoakSample[]): number | undefined {
  const rss = samples.filter((sample) => sample.runs > WARM_UP_RUNS).map(({ rssBytes }) => rssBytes);
  const third = Math.floor(rss.length / 3);
  return third === 0 ? undefined : median(rss.slice(-third)) / median(rss.slice(0, third));
}

function print({ runs: done, rssBytes, heapBytes, stats }: SoakSample): void {
  const { completed, aborted, deadlineExceeded } = stats.runs;
  const { live, peak, constants } = stats.bytes;
  const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
  console.log(
    `${done}/${runs} runs: RSS ${mib(rssBytes)}, main heap ${mib(heapBytes)}, tensors ${live} B live, ` +
      `${peak} B peak, ${constants} B constants; ${completed} completed, ${aborted} aborted, ${deadlineExceeded} late`,
  );
}

const result = await runSoak({
  runs,
  sampleEvery: SAMPLE_EVERY,
  seed: Number(values.seed),
  device: values.device as 'wasm' | 'tensorflow' | 'webgpu',
  onSample: print,
});
for (const fault of result.faults) console.log(`FAULT: ${fault}`);
const ratio = growth(result.samples);
const isFlat = ratio === undefined || ratio <= MAX_GROWTH;
console.log(
  ratio === undefined
    ? 'Memory: too few runs to judge'
    : `Memory: last third ${((ratio - 1) * 100).toFixed(1)} % above first third after ${WARM_UP_RUNS} runs, ` +
        `at most ${((MAX_GROWTH - 1) * 100).toFixed(0)} % expected: ${isFlat ? 'flat' : 'NOT FLAT'}`,
);
if (result.faults.length > 0 || !isFlat) process.exitCode = 1;
