/**
 * Does an engine on real threads keep its promises, whatever happens to it?
 *
 * Measured: runs in all modes on two streams while kernels throw, trap and end their threads, the main thread is blocked,
 * listeners call `run()`, runs are aborted and time out, and engines are closed or destroyed, all at random instants.
 *
 * Expected: every run settles with a code other than INTERNAL, every output is right, the engine serves the next run,
 * no bytes stay live, no thread is left after a close, and memory is flat.
 *
 * Run `node --expose-gc dist/bench/stress.js [--seconds 60] [--seed 1]`. Ends with exit code 1 when not as expected.
 */
import { parseArgs } from 'node:util';
import { runStress, type StressRound } from './stress/run-stress.js';

const PRINT_EVERY = 20;
const MAX_GROWTH = 1.1;
const MIB = 2 ** 20;

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
});

const totals: Record<string, number> = {};

function print({ round, outcomes, replaced, rssBytes }: StressRound): void {
  for (const [outcome, count] of Object.entries(outcomes)) totals[outcome] = (totals[outcome] ?? 0) + count;
  totals['replaced'] = (totals['replaced'] ?? 0) + replaced;
  if (round % PRINT_EVERY === 0)
    console.log(`round ${round}: RSS ${(rssBytes / MIB).toFixed(0)} MiB, ${JSON.stringify(totals)}`);
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;
}

/** Resident memory in the last third over that in the second: the first one warms up. */
function growth(rounds: readonly StressRound[]): number {
  const third = Math.floor(rounds.length / 3);
  const rss = rounds.map(({ rssBytes }) => rssBytes);
  return third === 0 ? 1 : median(rss.slice(-third)) / median(rss.slice(third, 2 * third));
}

const { rounds, faults } = await runStress({
  seed: Number(values.seed),
  durationMs: Number(values.seconds) * 1000,
  device: new URL('./stress/device.js', import.meta.url),
  onRound: print,
});
for (const fault of faults) console.log(`FAULT: ${fault}`);
const ratio = growth(rounds);
console.log(
  `${rounds.length} rounds, ${JSON.stringify(totals)}, memory ×${ratio.toFixed(3)}, ${faults.length} faults`,
);
if (faults.length > 0 || ratio > MAX_GROWTH) process.exitCode = 1;
