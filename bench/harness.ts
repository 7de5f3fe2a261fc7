/**
 * What the benchmarks share: sides that alternate within one process, so that whatever disturbs the machine disturbs
 * all of them, and results as medians with their spread.
 */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { seededUniform } from './models/weights.js';
import { formatTable } from './table.js';

/** `--smoke`: a few repetitions, seconds in all, to see that a benchmark still runs. Its figures mean nothing. */
export const smoke = process.argv.includes('--smoke');

/** The number of repetitions: few in smoke mode. */
export function repetitions(full: number, inSmoke: number): number {
  return smoke ? inSmoke : full;
}

/** Median and spread of some samples. */
export interface Summary {
  readonly median: number;
  readonly p5: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** @throws RangeError for no samples */
export function summarize(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new RangeError('summarize: expected at least one sample, received none');
  const sorted = [...samples].sort((a, b) => a - b);
  const quantile = (part: number) => sorted[Math.round(part * (sorted.length - 1))]!;
  return {
    median: quantile(0.5),
    p5: quantile(0.05),
    p95: quantile(0.95),
    p99: quantile(0.99),
    max: sorted.at(-1)!,
  };
}

/** One of the things compared: does its work once and returns what it measured. */
export type Side = () => Promise<number> | number;

/** How often sides take turns. */
export interface AlternateOptions {
  /** Turns that are not counted. */
  readonly warmUps: number;
  readonly rounds: number;
}

const ORDER_SEED = 1;

/** In random order: a side that always followed the same one would find its caches and its garbage. */
function shuffled<Item>(items: readonly Item[], next: () => number): Item[] {
  return items
    .map((item) => ({ item, rank: next() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}

/**
 * Lets the sides take turns, in another random order each round, and returns each one's samples: sample `i` of all sides
 * belongs to the same round.
 */
export async function alternate<Name extends string>(
  sides: Readonly<Record<Name, Side>>,
  { warmUps, rounds }: AlternateOptions,
): Promise<Record<Name, number[]>> {
  const entries = Object.entries<Side>(sides) as [Name, Side][];
  const samples = Object.fromEntries(entries.map(([name]) => [name, [] as number[]])) as Record<
    Name,
    number[]
  >;
  const next = seededUniform(ORDER_SEED);
  for (let round = -warmUps; round < rounds; round++) {
    for (const [name, side] of shuffled(entries, next)) {
      const sample = await side();
      if (round >= 0) samples[name].push(sample);
    }
  }
  return samples;
}

/** Combines two sides round by round, so that what disturbed a round weighs on both. */
export function pairwise(
  a: readonly number[],
  b: readonly number[],
  combine: (a: number, b: number) => number,
): Summary {
  return summarize(a.map((sample, round) => combine(sample, b[round]!)));
}

/** `a / b`, round by round. */
export function ratioOf(a: readonly number[], b: readonly number[]): Summary {
  return pairwise(a, b, (x, y) => x / y);
}

/**
 * The least sample of each block of rounds. Other programs only ever add time: where samples are shorter than a time
 * slice of the operating system, the least of a few is undisturbed, and the blocks show how steady it is.
 */
export function leastOfBlocks(samples: readonly number[], blockRounds: number): number[] {
  const blocks = Math.max(1, Math.floor(samples.length / blockRounds));
  return Array.from({ length: blocks }, (_, block) =>
    Math.min(...samples.slice(block * blockRounds, (block + 1) * blockRounds)),
  );
}

/** Milliseconds that `work` took. */
export async function timeMs(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** One line of a benchmark's result. */
export interface Finding {
  readonly what: string;
  readonly expected: string;
  readonly measured: string;
  /** Whether it is as expected; left out where nothing was promised. */
  readonly met?: boolean;
}

/** Prints the question, what is expected and why, and on what machine it is measured. */
export function printHeading(
  question: string,
  expectation: string,
  kernels = 'TensorFlow.js kernels in WebAssembly',
): void {
  const [load] = loadavg();
  const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} threads, load ${load!.toFixed(1)}`;
  console.log(question);
  console.log(`Expected: ${expectation}`);
  console.log(`Machine: ${machine}, Node ${process.version}, ${kernels}`);
  if (smoke) console.log('Smoke mode: few repetitions, the figures mean nothing.');
}

/** Prints expectation and result side by side. */
export function printFindings(findings: readonly Finding[]): void {
  const verdict = (met: boolean | undefined) =>
    met === undefined || smoke ? '' : met ? 'as expected' : 'NOT MET';
  const rows = findings.map(({ what, expected, measured, met }) => [what, expected, measured, verdict(met)]);
  console.log(`\n${formatTable(['', 'expected', 'measured', ''], rows, [0, 3])}`);
}

/** Says on stderr what goes on; a benchmark takes longer than one likes to wait in silence. */
export function progress(message: string): void {
  console.error(`· ${message}`);
}
