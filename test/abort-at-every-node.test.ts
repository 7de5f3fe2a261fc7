import { describe, expect, it } from 'vitest';
import type { Engine } from '../runtime/engine.js';
import type { RunOptions } from '../runtime/options.js';
import type { RunReport } from '../scheduler/outcome.js';
import type { Placement } from '../scheduler/placement.js';
import { runRejection } from './support/catch-error.js';
import { startPuppetEngine } from './support/engines.js';
import { ManualClock } from './support/manual-clock.js';
import { abortListeners } from './support/signals.js';
import { expectCorrectRun, FEEDS, HOST_NODES, NODES, thirtyNodes } from './support/thirty-nodes.js';

const TIMEOUT_MS = 40;
const positions = Array.from({ length: NODES }, (_, node) => node);

/** An engine whose one slot per stream shows any slot that is not given back. */
async function startStage(streams: number, placement: Placement) {
  const clock = new ManualClock();
  const { engine, puppet } = await startPuppetEngine({ streams, runsInFlight: 1, queueLimit: 0 }, clock);
  const hooks = { onHost: (_node: number): void => undefined };
  const graph = thirtyNodes((node) => hooks.onHost(node));
  const executable = await engine.compile(graph, { placement });
  return { engine, puppet, clock, hooks, executable };
}

type Stage = Awaited<ReturnType<typeof startStage>>;

/** Starts a run and calls `stop` while `node` is running, be it a kernel or a host node. */
async function runAndStopAt(
  { hooks, executable, puppet }: Stage,
  node: number,
  options: RunOptions,
  stop: () => void,
): Promise<{ report: RunReport; code: string; kernelsAfterStop: number; mayFinish: number }> {
  let executed = 0;
  const stopNow = () => {
    stop();
    executed = puppet.executed;
  };
  hooks.onHost = (current) => {
    if (current === node) stopNow();
  };
  const pause = HOST_NODES.has(node) ? undefined : puppet.arm(node, 'pause');
  const run = runRejection(executable.run(FEEDS, options));
  if (pause !== undefined) {
    await pause.reached();
    stopNow();
    pause.release();
  }
  const { report, code } = await run;
  // Each stream may finish the kernel it is executing; one that pauses has been counted.
  const mayFinish = pause === undefined ? executable.streams : executable.streams - 1;
  return { report, code, kernelsAfterStop: puppet.executed - executed, mayFinish };
}

function expectNothingLeft(engine: Engine): void {
  const { runs, bytes, streams } = engine.stats();
  expect(runs).toMatchObject({ queued: 0, inFlight: 0 });
  expect(bytes.live).toBe(0);
  expect(streams.map(({ inFlight, bytes: { live } }) => [inFlight, live])).toEqual(streams.map(() => [0, 0]));
}

/** Nothing of the run is left, it settled once, and the engine serves the next run. */
async function expectAsBefore({ engine, executable, clock }: Stage, settled: RunReport[]): Promise<void> {
  expectNothingLeft(engine);
  expect(clock.timers).toBe(0);
  expect(settled).toHaveLength(1);
  await expectCorrectRun(executable);
  expectNothingLeft(engine);
  settled.length = 0;
}

const alternate: Placement = ({ index }) => index % 2;
const stages = [
  { name: 'one stream', streams: 1, placement: 'single' },
  { name: 'two streams', streams: 2, placement: alternate },
] as const;

describe.each(stages)('stopping a run of thirty nodes on $name', ({ streams, placement }) => {
  it('by an abort during any node leaves everything as before', async () => {
    const stage = await startStage(streams, placement);
    const settled = watchSettled(stage.engine);
    for (const node of positions) {
      const controller = new AbortController();
      const { report, code, kernelsAfterStop, mayFinish } = await runAndStopAt(
        stage,
        node,
        { signal: controller.signal },
        () => controller.abort(),
      );
      expect([node, code, report.outcome]).toEqual([node, 'ABORTED', 'aborted']);
      expect(kernelsAfterStop, `kernels after an abort in n${node}`).toBeLessThanOrEqual(mayFinish);
      expectPlausible(report);
      expect(abortListeners(controller.signal)).toBe(0);
      await expectAsBefore(stage, settled);
    }
  });

  it('by a deadline during any node leaves everything as before', async () => {
    const stage = await startStage(streams, placement);
    const settled = watchSettled(stage.engine);
    for (const node of positions) {
      const { report, code, kernelsAfterStop, mayFinish } = await runAndStopAt(
        stage,
        node,
        { timeoutMs: TIMEOUT_MS },
        () => stage.clock.advance(TIMEOUT_MS + 2),
      );
      expect([node, code, report.outcome]).toEqual([node, 'DEADLINE_EXCEEDED', 'deadline-exceeded']);
      expect(kernelsAfterStop, `kernels after a deadline in n${node}`).toBeLessThanOrEqual(mayFinish);
      expect(report.latenessMs).toBe(2);
      expectPlausible(report);
      await expectAsBefore(stage, settled);
    }
  });

  it.each(['none', { precisionMs: 5 }] as const)('in mode %o leaves everything as before', async (mode) => {
    const stage = await startStage(streams, placement);
    const settled = watchSettled(stage.engine);
    for (const node of positions) {
      const { signal, abort } = abortable();
      const options = { signal, cancellation: mode } as const;
      const { report, code } = await runAndStopAt(stage, node, options, abort);
      expect([node, code, report.outcome]).toEqual([node, 'ABORTED', 'aborted']);
      if (mode === 'none') expect(report.nodesCompleted).toBe(report.nodesTotal);
      expectPlausible(report);
      expect(abortListeners(signal)).toBe(0);
      await expectAsBefore(stage, settled);
    }
  });
});

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

function watchSettled(engine: Engine): RunReport[] {
  const reports: RunReport[] = [];
  engine.on('run:settled', (report) => reports.push(report));
  return reports;
}

/** A run that stopped early names the node it would have gone on with; one that executed all has none. */
function expectPlausible({ nodesCompleted, nodesTotal, stoppedBefore }: RunReport): void {
  expect(nodesTotal).toBe(NODES + 1);
  expect(nodesCompleted).toBeLessThanOrEqual(nodesTotal);
  if (nodesCompleted === nodesTotal) expect(stoppedBefore).toBeUndefined();
  else expect(stoppedBefore).toMatch(/^n\d+$|^scaled$/);
}
