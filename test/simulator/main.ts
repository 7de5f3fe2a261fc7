/** `npm run simulate -- --seeds N [--seed S]`: N simulations from seed S, or from a fresh one; `--seed` alone replays one. */
import { parseArgs } from 'node:util';
import { simulateSeed } from './simulate.js';

const PROGRESS_EVERY = 500;

function wholeNumber(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new TypeError(`--${option}: expected a whole number of 0 or more, received ${JSON.stringify(text)}`);
}

/** Prints the events of one simulation, and how it ended. */
async function replay(seed: number): Promise<boolean> {
  const { failure, log } = await simulateSeed(seed, true);
  for (const line of log) console.log(line);
  console.log(failure === undefined ? `seed ${seed}: passed` : `seed ${seed}: ${failure.stack}`);
  return failure === undefined;
}

/** Returns the seeds that failed. */
async function simulateAll(first: number, count: number): Promise<readonly number[]> {
  const failed: number[] = [];
  let runs = 0;
  for (let done = 0; done < count; done++) {
    const result = await simulateSeed(first + done);
    runs += result.runs;
    if (result.failure !== undefined) {
      failed.push(first + done);
      console.log(`seed ${first + done}: ${result.failure.message}`);
    }
    if ((done + 1) % PROGRESS_EVERY === 0 || done + 1 === count)
      console.log(`${done + 1} of ${count} seeds, ${runs} runs, ${failed.length} failed`);
  }
  return failed;
}

const { values } = parseArgs({ options: { seeds: { type: 'string' }, seed: { type: 'string' } } });
const count = wholeNumber(values.seeds, 'seeds');
const seed = wholeNumber(values.seed, 'seed');

if (seed !== undefined && count === undefined) {
  process.exitCode = (await replay(seed)) ? 0 : 1;
} else {
  const first = seed ?? Math.floor(Math.random() * 2 ** 31);
  console.log(`seeds from ${first}`);
  const failed = await simulateAll(first, count ?? 1000);
  if (failed.length > 0) {
    console.log(`replay one with: npm run simulate -- --seed ${failed[0]}`);
    process.exitCode = 1;
  }
}
