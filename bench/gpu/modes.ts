/** The price of cancellation modes on one graph: what complete runs take, and how late runs stop at random deadlines. */
import {
  type CancellationOption,
  DeadlineExceededError,
  type Executable,
  type Feeds,
  type RunReport,
} from '../../runtime/index.js';
import { alternate, ratioOf, type Side, type Summary, summarize } from '../harness.js';
import { seededUniform } from '../models/weights.js';

/** Beside the round that tells how long one takes. */
const WARM_UPS = 1;
const SEED = 1;
/** Runs in mode `'none'` end late by all that is left; a few show it. */
const UNSTOPPED_SHARE = 0.1;

/** How long to measure: as many repetitions as fit into the time, between the least and the most. */
export interface Budget {
  readonly ms: number;
  readonly least: number;
  readonly most: number;
}

/** What was measured of one mode. Milliseconds; `ratio` is against mode `'none'`, round by round. */
export interface ModeFigures {
  readonly mode: string;
  readonly runMs: Summary;
  readonly ratio: Summary;
  readonly rounds: number;
  /** Left out where every run completed. */
  readonly latenessMs?: Summary;
  readonly stops: number;
}

export function nameOfMode(mode: CancellationOption): string {
  return typeof mode === 'object' ? `${mode.precisionMs} ms` : mode;
}

/** So many rounds, each of which takes `roundMs`. */
export function roundsWithin({ ms, least, most }: Budget, roundMs: number): number {
  return Math.max(least, Math.min(most, Math.floor(ms / Math.max(roundMs, 1e-3))));
}

type Modes = Readonly<Record<string, CancellationOption>>;

function sidesOf(modes: Modes, side: (mode: CancellationOption, name: string) => Side): Record<string, Side> {
  return Object.fromEntries(Object.entries(modes).map(([name, mode]) => [name, side(mode, name)]));
}

async function measureTimes(executable: Executable, feeds: Feeds, modes: Modes, budget: Budget) {
  const sides = sidesOf(
    modes,
    (cancellation) => async () => (await executable.run(feeds, { cancellation })).report.durationMs,
  );
  await alternate(sides, { warmUps: WARM_UPS, rounds: 0 });
  const startMs = performance.now();
  const first = await alternate(sides, { warmUps: 0, rounds: 1 });
  const rounds = roundsWithin(budget, performance.now() - startMs);
  // The first round has only told how long one takes, unless it was all there is time for.
  return rounds <= 1 ? first : await alternate(sides, { warmUps: 0, rounds });
}

/** The report of a run that was stopped; `undefined` if it was done before. */
async function stopped(
  executable: Executable,
  feeds: Feeds,
  cancellation: CancellationOption,
  timeoutMs: number,
): Promise<RunReport | undefined> {
  try {
    await executable.run(feeds, { cancellation, timeoutMs });
    return undefined;
  } catch (error) {
    if (error instanceof DeadlineExceededError) return error.report;
    throw error;
  }
}

/** Lateness at deadlines from 5 to 95 % of what a complete run of the mode takes. */
async function measureLateness(
  executable: Executable,
  feeds: Feeds,
  modes: Modes,
  fullMs: Readonly<Record<string, number>>,
  budget: Budget,
): Promise<Record<string, number[]>> {
  const next = seededUniform(SEED);
  const sides = sidesOf(modes, (cancellation, name) => async () => {
    const report = await stopped(executable, feeds, cancellation, fullMs[name]! * (0.5 + 0.45 * next()));
    return report?.latenessMs ?? Number.NaN;
  });
  const roundMs = Object.keys(modes).reduce((sum, name) => sum + fullMs[name]! / 2, 0);
  const samples = await alternate(sides, { warmUps: 0, rounds: roundsWithin(budget, roundMs) });
  const late = Object.entries(samples).map(([name, all]) => [name, all.filter((ms) => !Number.isNaN(ms))]);
  return Object.fromEntries(late);
}

/** Measures complete runs, then stopped ones; the modes take turns in both. `'none'` must be the first. */
export async function measureModes(
  executable: Executable,
  feeds: Feeds,
  modes: readonly CancellationOption[],
  budgets: { readonly runs: Budget; readonly stops: Budget },
): Promise<ModeFigures[]> {
  const named: Modes = Object.fromEntries(modes.map((mode) => [nameOfMode(mode), mode]));
  const times = await measureTimes(executable, feeds, named, budgets.runs);
  const fullMs = Object.fromEntries(
    Object.entries(times).map(([name, all]) => [name, summarize(all).median]),
  );
  const { none, ...stopping } = named;
  const { ms, least, most } = budgets.stops;
  const few = { ms: ms * UNSTOPPED_SHARE, least: 1, most: Math.ceil(most * UNSTOPPED_SHARE) };
  const lateness = {
    ...(await measureLateness(executable, feeds, { none: none! }, fullMs, few)),
    ...(await measureLateness(executable, feeds, stopping, fullMs, { ms, least, most })),
  };
  return Object.keys(named).map((mode) => {
    const [runs, late] = [times[mode]!, lateness[mode]!];
    return {
      mode,
      runMs: summarize(runs),
      ratio: ratioOf(runs, times['none']!),
      rounds: runs.length,
      ...(late.length === 0 ? {} : { latenessMs: summarize(late) }),
      stops: late.length,
    };
  });
}
