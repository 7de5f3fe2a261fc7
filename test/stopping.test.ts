import { isAbortError } from 'abort-controller-x';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../runtime/engine.js';
import { DeadlineExceededError, RunAbortedError } from '../runtime/errors.js';
import type { CancellationOption } from '../scheduler/cancellation.js';
import type { RunReport } from '../scheduler/outcome.js';
import { runRejection } from './support/catch-error.js';
import { sharePuppetEngine, startPuppetEngine } from './support/engines.js';
import { ManualClock } from './support/manual-clock.js';
import { abortListeners, countingController } from './support/signals.js';
import { FEEDS, thirtyNodes } from './support/thirty-nodes.js';

const MODES: readonly CancellationOption[] = ['none', 'node', { precisionMs: 1 }];

const clock = new ManualClock();
const shared = sharePuppetEngine({}, clock);

function countEvents(engine: Engine) {
  const counts = { queued: 0, dispatched: 0, reports: [] as RunReport[] };
  engine.on('run:queued', () => counts.queued++);
  engine.on('run:dispatched', () => counts.dispatched++);
  engine.on('run:settled', (report) => counts.reports.push(report));
  return counts;
}

describe('a signal aborted before the call', () => {
  it.each(MODES)('rejects without dispatching the run in mode %o', async (cancellation) => {
    const { engine } = shared;
    const executable = await engine.compile(thirtyNodes());
    const events = countEvents(engine);
    const reason = new Error('no longer wanted');
    const signal = AbortSignal.abort(reason);
    const error = await runRejection(executable.run(FEEDS, { signal, cancellation }));
    expect(error).toBeInstanceOf(RunAbortedError);
    expect(error.cause).toBe(reason);
    expect(error.report).toMatchObject({ outcome: 'aborted', nodesCompleted: 0, durationMs: 0 });
    expect(events).toMatchObject({ dispatched: 0, reports: [error.report] });
    expect(abortListeners(signal)).toBe(0);
    expect((await executable.run(FEEDS)).report.outcome).toBe('completed');
  });

  it('outranks a timeout of 0', async () => {
    const { engine } = shared;
    const executable = await engine.compile(thirtyNodes());
    const run = executable.run(FEEDS, { signal: AbortSignal.abort(), timeoutMs: 0 });
    expect((await runRejection(run)).code).toBe('ABORTED');
  });
});

describe('a timeout of 0', () => {
  it.each(MODES)('rejects without dispatching the run in mode %o', async (cancellation) => {
    const { engine } = shared;
    const executable = await engine.compile(thirtyNodes());
    const events = countEvents(engine);
    const error = await runRejection(executable.run(FEEDS, { timeoutMs: 0, cancellation }));
    expect(error).toBeInstanceOf(DeadlineExceededError);
    expect(error.report).toMatchObject({ outcome: 'deadline-exceeded', timeoutMs: 0, nodesCompleted: 0 });
    expect(events).toMatchObject({ dispatched: 0, reports: [error.report] });
  });

  it('resolves without outputs when partial results are welcome', async () => {
    const { engine } = shared;
    const executable = await engine.compile(thirtyNodes());
    const { outputs, report } = await executable.run(FEEDS, { timeoutMs: 0, onDeadline: 'partial' });
    expect(Object.keys(outputs)).toEqual([]);
    expect(report.outcome).toBe('deadline-exceeded');
  });
});

describe('an abort after the run has settled', () => {
  it.each(MODES)('changes nothing in mode %o', async (cancellation) => {
    const { engine } = shared;
    const executable = await engine.compile(thirtyNodes());
    const events = countEvents(engine);
    const { controller, use } = countingController();
    const { report } = await executable.run(FEEDS, { signal: controller.signal, cancellation });
    expect(abortListeners(controller.signal)).toBe(0);
    expect([use.added, use.removed]).toEqual([1, 1]);
    controller.abort();
    expect(report.outcome).toBe('completed');
    await executable.run(FEEDS);
    expect(events.reports.map(({ outcome }) => outcome)).toEqual(['completed', 'completed']);
    expect(engine.stats().runs.inFlight).toBe(0);
  });
});

describe('an aborted run', () => {
  it('rejects with an AbortError that names the reason and the node it stopped before', async () => {
    const { engine, puppet } = shared;
    const executable = await engine.compile(thirtyNodes(), { name: 'thirty' });
    const controller = new AbortController();
    const pause = puppet.arm(2, 'pause');
    const run = runRejection(executable.run(FEEDS, { signal: controller.signal }));
    await pause.reached();
    controller.abort('enough');
    pause.release();
    const error = await run;
    expect(error.name).toBe('AbortError');
    expect(isAbortError(error)).toBe(true);
    expect(error.cause).toBe('enough');
    expect(error.report).toMatchObject({
      executable: 'thirty',
      mode: 'node',
      stoppedBefore: 'n3',
      stream: 0,
    });
    // n0 to n2, and the host node n6 if it had started by then.
    expect([3, 4]).toContain(error.report.nodesCompleted);
    expect(error.message).toContain('stopped before "n3"');
  });

  it('shares its signal with others, which all stop', async () => {
    const { engine, puppet } = await startPuppetEngine({ runsInFlight: 1 });
    const executable = await engine.compile(thirtyNodes());
    const controller = new AbortController();
    const pause = puppet.arm(2, 'pause');
    const runs = [1, 2, 3].map(() => runRejection(executable.run(FEEDS, { signal: controller.signal })));
    await pause.reached();
    expect(abortListeners(controller.signal)).toBe(1);
    controller.abort();
    pause.release();
    expect((await Promise.all(runs)).map(({ code }) => code)).toEqual(['ABORTED', 'ABORTED', 'ABORTED']);
    expect(abortListeners(controller.signal)).toBe(0);
  });

  it('counts as stopped when the abort came first and the deadline passed while it drained', async () => {
    const { engine, puppet } = shared;
    const executable = await engine.compile(thirtyNodes());
    const controller = new AbortController();
    const pause = puppet.arm(2, 'pause');
    const run = runRejection(executable.run(FEEDS, { signal: controller.signal, timeoutMs: 10 }));
    await pause.reached();
    controller.abort();
    clock.advance(20);
    pause.release();
    const { code, report } = await run;
    expect([code, report.latenessMs]).toEqual(['ABORTED', 20]);
  });

  it('counts as late when the deadline came first and the abort while it drained', async () => {
    const { engine, puppet } = shared;
    const executable = await engine.compile(thirtyNodes());
    const controller = new AbortController();
    const pause = puppet.arm(2, 'pause');
    const run = runRejection(executable.run(FEEDS, { signal: controller.signal, timeoutMs: 10 }));
    await pause.reached();
    clock.advance(15);
    controller.abort();
    pause.release();
    const { code, report } = await run;
    expect([code, report.latenessMs]).toEqual(['DEADLINE_EXCEEDED', 5]);
  });
});

describe('mode none', () => {
  it('executes the whole graph after its deadline, then rejects with how late it was', async () => {
    const { engine, puppet } = shared;
    const executable = await engine.compile(thirtyNodes());
    const pause = puppet.arm(2, 'pause');
    const run = runRejection(executable.run(FEEDS, { timeoutMs: 10, cancellation: 'none' }));
    await pause.reached();
    clock.advance(17);
    pause.release();
    const { code, report } = await run;
    expect(code).toBe('DEADLINE_EXCEEDED');
    expect(report).toMatchObject({ latenessMs: 7, nodesCompleted: 31, nodesTotal: 31, mode: 'none' });
    expect(report.stoppedBefore).toBeUndefined();
  });
});

describe("onDeadline 'partial'", () => {
  it('resolves with the outputs computed before the deadline', async () => {
    const { engine, puppet } = shared;
    const executable = await engine.compile(thirtyNodes());
    const full = await executable.run(FEEDS);
    const pause = puppet.arm(24, 'pause');
    const run = executable.run(FEEDS, { timeoutMs: 10, onDeadline: 'partial' });
    await pause.reached();
    clock.advance(10);
    pause.release();
    const { outputs, report } = await run;
    expect(Object.keys(outputs)).toEqual(['early']);
    expect(outputs['early']).toEqual(full.outputs['early']);
    expect(report.outcome).toBe('deadline-exceeded');
    // Host node n21 runs beside n22 to n24; on a busy machine it may not have started by the deadline.
    expect(['n21', 'n25']).toContain(report.stoppedBefore);
    expect(engine.stats()).toMatchObject({ bytes: { live: 0 }, runs: { inFlight: 0 } });
  });

  it('still rejects when the run is aborted', async () => {
    const { engine } = shared;
    const executable = await engine.compile(thirtyNodes());
    const run = executable.run(FEEDS, { signal: AbortSignal.abort(), timeoutMs: 10, onDeadline: 'partial' });
    expect((await runRejection(run)).code).toBe('ABORTED');
  });
});
