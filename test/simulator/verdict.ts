/** What must be true of a run that has settled, given what the simulation saw of it. */
import { CurfewError, type ErrorCode } from '../../scheduler/errors.js';
import type { RunReport } from '../../scheduler/outcome.js';
import type { Tensor, TensorData } from '../../scheduler/tensor.js';
import { outputName, sameData } from './build-graph.js';
import { latenessBoundMs } from './lateness.js';
import { hangs, type Scenario } from './scenario.js';
import type { Settlement, WatchedRun } from './watched-run.js';

/** What else the simulation knows. */
export interface Circumstances {
  readonly scenario: Scenario;
  readonly runs: readonly WatchedRun[];
  /** Whether a stream died while it was being replaced, and will not come back. */
  readonly streamsBroke: boolean;
  /** Whether an allocation of the main thread failed. */
  readonly memoryRefused: boolean;
  /** Whether the engine was closed before its time. */
  readonly engineEnded: boolean;
}

/** A timer is set by the time that is left, so it may come a rounding error before its deadline. */
const TIMER_ROUNDING_MS = 1e-9;

/** Throws with the run's name unless the rule holds. */
function check(run: WatchedRun, holds: boolean, rule: string): void {
  if (!holds) throw new Error(`${run.name}: ${rule}`);
}

const CODES = { completed: undefined, aborted: 'ABORTED', 'deadline-exceeded': 'DEADLINE_EXCEEDED' } as const;

/** The code of the failure that was seen first; a run that no stream is left for fails without being dispatched. */
function failureOf(run: WatchedRun, seen: Circumstances): ErrorCode | undefined {
  const mainThread = mainThreadFailure(run, seen);
  if (mainThread !== undefined) return mainThread;
  const nowhereToRun =
    seen.streamsBroke && run.dispatchedMs === undefined && run.settlement?.report?.outcome === 'failed';
  return nowhereToRun ? 'DEVICE_LOST' : run.failures[0];
}

/** A failure that no stream tells of: the run says itself which it was, and there must have been a reason. */
function mainThreadFailure(
  run: WatchedRun,
  { memoryRefused, engineEnded }: Circumstances,
): ErrorCode | undefined {
  const { report, error } = run.settlement!;
  if (report?.outcome !== 'failed' || !(error instanceof CurfewError)) return undefined;
  const possible =
    (error.code === 'OUT_OF_MEMORY' && memoryRefused) ||
    (error.code === 'ENGINE_CLOSED' && engineEnded) ||
    (error.code === 'INVALID_FEED' && run.feedGone) ||
    (error.code === 'HOST_NODE_FAILED' && run.mayHang);
  return possible ? error.code : undefined;
}

/** Codes of the failures that a scenario's faults cause. */
function expectedFailures({ world, graph, main }: Scenario): ReadonlySet<ErrorCode> {
  const codes = new Set<ErrorCode>();
  if (world.drainLimitMs !== undefined) codes.add('DEVICE_LOST');
  if (graph.nodes.some((node) => node.kind === 'host' && node.failures > 0)) codes.add('HOST_NODE_FAILED');
  if (main.oddHost?.how === 'garbage') codes.add('HOST_NODE_FAILED');
  if (hangs(world.faults)) codes.add('DEVICE_LOST');
  for (const { kind } of world.faults) {
    if (kind === 'kernel-error') codes.add('KERNEL_FAILED');
    if (kind === 'submit-error') codes.add('OUT_OF_MEMORY');
    if (kind === 'device-lost' || kind === 'irreplaceable') codes.add('DEVICE_LOST');
  }
  return codes;
}

/** The promise settles as the report says: resolves when completed or partial, rejects with the outcome's code. */
function checkSettlement(
  run: WatchedRun,
  { outcome }: RunReport,
  { error, outputs }: Settlement,
  seen: Circumstances,
): void {
  const resolves = outcome === 'completed' || (outcome === 'deadline-exceeded' && run.spec.partial);
  check(run, resolves === (outputs !== undefined), `${outcome} ${resolves ? 'resolves' : 'rejects'}`);
  if (resolves || !(error instanceof CurfewError)) return;
  const expected = outcome === 'failed' ? failureOf(run, { ...seen, streamsBroke: true }) : CODES[outcome];
  check(
    run,
    error.code === expected,
    `${outcome} rejects with ${expected}, not ${error.code}: ${error.message}`,
  );
}

/** Which stop came first, and that a failure outranks it. */
function checkOutcome(
  run: WatchedRun,
  { outcome }: RunReport,
  settled: Settlement,
  seen: Circumstances,
): void {
  const { scenario } = seen;
  const { deadlineMs, abortedMs, abortStep } = run;
  const failure = failureOf(run, seen);
  const failed = failure !== undefined;
  check(run, (outcome === 'failed') === failed, `a failure (${run.failures}) outranks '${outcome}'`);
  if (failed) {
    const expected = mainThreadFailure(run, seen) !== undefined || expectedFailures(scenario).has(failure);
    check(run, expected, `nothing causes ${failure}: ${settled.error}`);
    return;
  }
  const aborted = abortStep !== undefined && abortStep < settled.step;
  const late = deadlineMs !== undefined && settled.atMs >= deadlineMs;
  const early = scenario.world.faults.some((fault) => fault.kind === 'watchdog' && fault.offsetMs < 0);
  const jumps = scenario.world.faults.some(({ kind }) => kind === 'clock-jump');
  if (outcome === 'completed') check(run, !aborted && !late, 'a stopped run does not complete');
  if (outcome === 'aborted') check(run, aborted, "only an aborted run ends as 'aborted'");
  const due = deadlineMs !== undefined && settled.atMs >= deadlineMs - TIMER_ROUNDING_MS;
  if (outcome === 'deadline-exceeded') check(run, due || early, 'only a late run has exceeded its deadline');
  if (!aborted || !late || early || jumps || deadlineMs === abortedMs) return;
  const first = abortedMs! < deadlineMs ? 'aborted' : 'deadline-exceeded';
  check(run, outcome === first, `'${first}' came before '${outcome}'`);
}

function nodesSeen(run: WatchedRun, scenario: Scenario): number {
  return scenario.graph.nodes.filter(({ name }) => run.ended.has(name)).length;
}

function checkReport(run: WatchedRun, report: RunReport, scenario: Scenario): void {
  const { outcome, nodesCompleted, nodesTotal, stoppedBefore, latenessMs } = report;
  check(run, nodesTotal === scenario.graph.nodes.length, 'the report counts the nodes of the graph');
  if (outcome === 'completed')
    check(run, nodesCompleted === nodesTotal, 'a completed run executed every node');
  if (outcome === 'failed') return;
  const seen = nodesSeen(run, scenario);
  check(run, nodesCompleted === seen, `the report counts ${nodesCompleted} nodes, ${seen} ended`);
  check(run, stoppedBefore === undefined || !run.ended.has(stoppedBefore), `stopped before ${stoppedBefore}`);
  check(run, (outcome === 'completed') === (latenessMs === undefined), 'a stopped run reports its lateness');
}

/** Everything that was computed is there, nothing else, and all of it right. */
function checkOutputs(
  run: WatchedRun,
  settled: Settlement,
  expected: Record<string, Tensor>,
  scenario: Scenario,
) {
  const { outputs } = settled;
  if (outputs === undefined) return;
  for (const reference of scenario.graph.outputs) {
    const name = outputName(reference);
    const data = outputs[name]?.data as TensorData | undefined;
    const computed = run.ended.has(reference.split(':')[0]!);
    check(run, computed === (data !== undefined), `${name} is ${computed ? '' : 'not '}among the outputs`);
    if (data !== undefined)
      check(
        run,
        sameData(data, expected[name]!.data),
        `${name} is ${data}, expected ${expected[name]!.data}`,
      );
  }
  check(
    run,
    Object.keys(outputs).length <= scenario.graph.outputs.length,
    'no more outputs than the graph has',
  );
}

/**
 * Whether the run may have to wait for another run's work before it settles: when a stream holds values of it, to be
 * released in turn. A run of one segment has nothing to wait for but its own node.
 */
function waitsForOthers(run: WatchedRun, stoppedMs: number, { scenario, runs }: Circumstances): boolean {
  const isOneSegment =
    scenario.graph.nodes.every(({ kind }) => kind === 'kernel') &&
    (scenario.placement === 'single' || scenario.world.streams === 1);
  return !isOneSegment && sharesStreams(run, stoppedMs, runs);
}

/** Whether another of these runs was dispatched on one of its streams while the run was being stopped. */
function sharesStreams(run: WatchedRun, stoppedMs: number, others: readonly WatchedRun[]): boolean {
  return others.some(
    (other) =>
      other !== run &&
      other.dispatchedMs !== undefined &&
      other.dispatchedMs <= (run.endedMs ?? Number.POSITIVE_INFINITY) &&
      (other.endedMs ?? Number.POSITIVE_INFINITY) >= stoppedMs &&
      [...other.streams].some((stream) => run.streams.has(stream)),
  );
}

function checkLateness(
  run: WatchedRun,
  { outcome, latenessMs }: RunReport,
  settled: Settlement,
  seen: Circumstances,
): void {
  if (outcome === 'failed' || latenessMs === undefined) return;
  if (waitsForOthers(run, settled.atMs - latenessMs, seen)) return;
  const boundMs = latenessBoundMs(run, seen.scenario);
  check(run, latenessMs <= boundMs, `${latenessMs.toFixed(4)} ms late, more than ${boundMs.toFixed(4)} ms`);
}

/** Checks a settled run. @throws the first broken rule */
export function checkRun(run: WatchedRun, expected: Record<string, Tensor>, seen: Circumstances): void {
  const settled = run.settlement;
  if (settled === undefined) throw new Error(`${run.name}: settles`);
  const { report } = settled;
  if (report === undefined) {
    // The call came after the engine was closed.
    if (seen.engineEnded && settled.error instanceof CurfewError && settled.error.code === 'ENGINE_CLOSED')
      return;
    throw new Error(`${run.name}: settles with a report, not with ${settled.error}`);
  }
  checkOutcome(run, report, settled, seen);
  checkSettlement(run, report, settled, seen);
  checkReport(run, report, seen.scenario);
  checkOutputs(run, settled, expected, seen.scenario);
  checkLateness(run, report, settled, seen);
}
