/**
 * The demo's measurements: the full time, what each mode costs when nothing stops the run, and what it
 * does at a deadline.
 */
import {
  type CancellationOption,
  createEngine,
  DeadlineExceededError,
  type EngineOptions,
  type Executable,
  type Feeds,
  type Graph,
  type RunOptions,
  type RunReport,
} from '../../runtime/index.js';
import { formatMode } from '../../scheduler/cancellation.js';
import { GapRecorder } from '../gap-recorder.js';
import { type AlternateOptions, alternate, ratioOf, type Summary, summarize } from '../harness.js';

/** The modes compared, `'none'` first: the others are measured against it. */
export const MODES = ['none', 'node', { precisionMs: 5 }] as const satisfies readonly CancellationOption[];

/** What one run did at its deadline. */
interface StoppedRun {
  readonly report: RunReport;
  readonly settledMs: number;
  readonly gapMs: number;
}

/** Medians of several runs of one mode with one timeout; times in milliseconds. */
export interface Cell {
  readonly mode: string;
  /** Index in `MODES`. */
  readonly modeIndex: number;
  readonly timeoutMs: number;
  /** Share of the full time. */
  readonly timeoutShare: number;
  readonly settledMs: number;
  readonly latenessMs: number;
  readonly worstLatenessMs: number;
  readonly nodesCompleted: number;
  readonly nodesTotal: number;
  /** The largest of all runs. */
  readonly gapMs: number;
}

/** Milliseconds of a complete run without cancellation points: the median of several after warm-up. */
export async function measureFullMs(
  executable: Executable,
  rounds: number,
  warmUps: number,
): Promise<number> {
  const complete = async () => (await executable.run({}, { cancellation: 'none' })).report.durationMs;
  const { full } = await alternate({ full: complete }, { rounds, warmUps });
  return summarize(full).median;
}

/** How overheads are measured. */
export interface OverheadOptions extends AlternateOptions, Pick<EngineOptions, 'device' | 'webgpu'> {
  readonly engines: number;
}

/**
 * Durations of complete runs against mode `'none'`, the modes taking turns, in several engines one after the other; by
 * index in `MODES`. One engine may favor a mode by some percent whatever the mode does: kernels spill SIMD registers to
 * the native stack and are up to a sixth slower where that crosses cache lines, and where it lies depends on how V8 has
 * compiled each mode's loop.
 */
export async function measureOverheads(
  graph: Graph,
  feeds: Feeds,
  { device, webgpu, engines, rounds, warmUps }: OverheadOptions,
): Promise<readonly Summary[]> {
  const durationsMs: number[][] = MODES.map(() => []);
  for (let count = 0; count < engines; count++) {
    await using engine = await createEngine({ device, webgpu });
    const executable = await engine.compile(graph);
    const durationIn = (cancellation: CancellationOption) => async () =>
      (await executable.run(feeds, { cancellation })).report.durationMs;
    const sides = Object.fromEntries(MODES.map((mode, index) => [`${index}`, durationIn(mode)]));
    const samples = await alternate(sides, { rounds, warmUps });
    for (const [index, ofMode] of durationsMs.entries()) ofMode.push(...samples[`${index}`]!);
  }
  return durationsMs.map((ofMode) => ratioOf(ofMode, durationsMs[0]!));
}

/** The report of a run that may have met its deadline after all. */
async function reportOf(executable: Executable, options: RunOptions): Promise<RunReport> {
  try {
    return (await executable.run({}, options)).report;
  } catch (error) {
    if (error instanceof DeadlineExceededError) return error.report;
    throw error;
  }
}

async function stopOnce(executable: Executable, options: RunOptions): Promise<StoppedRun> {
  const recorder = new GapRecorder();
  const startMs = performance.now();
  const report = await reportOf(executable, options);
  const settledMs = performance.now() - startMs;
  return { report, settledMs, gapMs: recorder.stop() };
}

function toCell(
  runs: readonly StoppedRun[],
  modeIndex: number,
  timeoutMs: number,
  timeoutShare: number,
): Cell {
  const lateness = summarize(runs.map(({ report }) => report.latenessMs ?? 0));
  return {
    mode: formatMode(runs[0]!.report.mode),
    modeIndex,
    timeoutMs,
    timeoutShare,
    settledMs: summarize(runs.map((run) => run.settledMs)).median,
    latenessMs: lateness.median,
    worstLatenessMs: lateness.max,
    nodesCompleted: summarize(runs.map(({ report }) => report.nodesCompleted)).median,
    nodesTotal: runs[0]!.report.nodesTotal,
    gapMs: Math.max(...runs.map((run) => run.gapMs)),
  };
}

/** Every mode with every timeout (shares of `fullMs`), `repeats` times in turn. Cells in the order of the modes. */
export async function measureStops(
  executable: Executable,
  fullMs: number,
  shares: readonly number[],
  repeats: number,
): Promise<readonly Cell[]> {
  const cells = MODES.flatMap((cancellation, modeIndex) =>
    shares.map((share) => ({
      cancellation,
      modeIndex,
      share,
      timeoutMs: Math.round(fullMs * share),
      runs: [] as StoppedRun[],
    })),
  );
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const { cancellation, timeoutMs, runs } of cells)
      runs.push(await stopOnce(executable, { cancellation, timeoutMs }));
  }
  return cells.map(({ runs, modeIndex, timeoutMs, share }) => toCell(runs, modeIndex, timeoutMs, share));
}
