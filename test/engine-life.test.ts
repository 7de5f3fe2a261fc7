import { describe, expect, expectTypeOf, it } from 'vitest';
import { createEngine } from '../runtime/create-engine.js';
import type { Engine } from '../runtime/engine.js';
import type { RunInfo } from '../runtime/events.js';
import type { RunReport } from '../scheduler/outcome.js';
import { rejection, runRejection } from './support/catch-error.js';
import { sharePuppetEngine, startPuppetEngine } from './support/engines.js';
import { expectCorrectRun, FEEDS, HOST_NODES, thirtyNodes } from './support/thirty-nodes.js';
import { nextTurn, until } from './support/until.js';

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = () => {
    settled = true;
  };
  promise.then(note, note);
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  return settled;
}

describe('close()', () => {
  it('waits for runs in flight, and rejects those that wait', async () => {
    const { engine, puppet } = await startPuppetEngine({ runsInFlight: 1 });
    const executable = await engine.compile(thirtyNodes());
    const reports: RunReport[] = [];
    engine.on('run:settled', (report) => reports.push(report));
    const pause = puppet.arm(3, 'pause');
    const inFlight = executable.run(FEEDS);
    await pause.reached();
    const waiting = [1, 2].map(() => runRejection(executable.run(FEEDS)));
    const closing = engine.close();
    expect((await Promise.all(waiting)).map(({ code }) => code)).toEqual(['ENGINE_CLOSED', 'ENGINE_CLOSED']);
    expect(await isSettled(closing)).toBe(false);
    pause.release();
    expect((await inFlight).report.outcome).toBe('completed');
    await closing;
    expect(reports.map(({ outcome }) => outcome)).toEqual(['failed', 'failed', 'completed']);
    expect(engine.stats().runs).toMatchObject({ queued: 0, inFlight: 0, completed: 1, failed: 2 });
  });

  it('gives every caller the same promise and refuses later calls', async () => {
    const engine = await createEngine();
    const executable = await engine.compile(thirtyNodes());
    const closing = engine.close();
    expect(engine.close()).toBe(closing);
    expect((await rejection(executable.run(FEEDS))).code).toBe('ENGINE_CLOSED');
    expect((await rejection(engine.compile(thirtyNodes()))).code).toBe('ENGINE_CLOSED');
    await closing;
    expect((await rejection(executable.run(FEEDS))).code).toBe('ENGINE_CLOSED');
    executable.dispose();
  });

  it('rejects compilations that are under way', async () => {
    const { engine, puppet } = await startPuppetEngine();
    const executable = await engine.compile(thirtyNodes());
    const pause = puppet.arm(3, 'pause');
    const inFlight = executable.run(FEEDS);
    await pause.reached();
    const compilation = engine.compile(thirtyNodes()).then(
      () => 'compiled',
      (error: { code?: unknown }) => error.code,
    );
    const closing = engine.close();
    pause.release();
    await Promise.all([inFlight, closing]);
    expect(['compiled', 'ENGINE_CLOSED']).toContain(await compilation);
  });

  it('is what `await using` calls', async () => {
    let engine: Engine;
    {
      await using scoped = await createEngine();
      engine = scoped;
      await expectCorrectRun(await scoped.compile(thirtyNodes()));
    }
    expect((await rejection(engine.compile(thirtyNodes()))).code).toBe('ENGINE_CLOSED');
  });
});

describe('an engine', () => {
  const shared = sharePuppetEngine();

  it('announces each run as queued, dispatched and settled, once, with typed arguments', async () => {
    const { engine } = shared;
    const executable = await engine.compile(thirtyNodes(), { name: 'thirty' });
    const seen: string[] = [];
    const onQueued = (info: RunInfo) => seen.push(`queued ${info.executable}`);
    const onSettled = (report: RunReport) => seen.push(`settled ${report.outcome}`);
    engine
      .on('run:queued', onQueued)
      .on('run:dispatched', ({ executable }) => seen.push(`dispatched ${executable}`));
    engine.on('run:settled', onSettled);
    await executable.run(FEEDS);
    expect(seen).toEqual(['queued thirty', 'dispatched thirty', 'settled completed']);
    engine.off('run:queued', onQueued).off('run:settled', onSettled);
    await executable.run(FEEDS);
    expect(seen.slice(3)).toEqual(['dispatched thirty']);
  });

  it('types its events', () => {
    const { engine } = shared;
    expectTypeOf(engine.on<'run:settled'>)
      .parameter(1)
      .toEqualTypeOf<(report: RunReport) => void>();
    expectTypeOf(engine.on<'stream:replaced'>)
      .parameter(1)
      .toEqualTypeOf<(info: { readonly stream: number; readonly reason: Error }) => void>();
    // @ts-expect-error There is no such event.
    expect(() => engine.off('run:paused', () => undefined)).toThrow('run:settled');
  });

  it('frees the constants of a disposed executable once its runs have settled', async () => {
    const { engine, puppet } = shared;
    const before = engine.stats().bytes.constants;
    const duringRun: number[] = [];
    const onHost = () => void duringRun.push(engine.stats().bytes.constants);
    const executable = await engine.compile(thirtyNodes(onHost));
    expect(engine.stats().bytes.constants).toBe(before + 24);
    const pause = puppet.arm(3, 'pause');
    const run = executable.run(FEEDS);
    await pause.reached();
    executable.dispose();
    executable.dispose();
    expect((await rejection(executable.run(FEEDS))).code).toBe('EXECUTABLE_DISPOSED');
    pause.release();
    expect((await run).report.outcome).toBe('completed');
    expect(duringRun).toEqual(Array(HOST_NODES.size).fill(before + 24));
    await until(() => engine.stats().bytes.constants === before, 'the constants are freed');
    await expectCorrectRun(await engine.compile(thirtyNodes()));
  });

  it('hands out outputs that belong to the caller alone', async () => {
    const { engine } = shared;
    const executable = await engine.compile(thirtyNodes());
    const first = await executable.run(FEEDS);
    first.outputs['y']!.data.fill(99);
    await expectCorrectRun(executable);
    expect(Object.getPrototypeOf(first.outputs)).toBeNull();
  });

  it('reports where a completed run was and how long it took', async () => {
    const { engine } = shared;
    const executable = await engine.compile(thirtyNodes(), { name: 'thirty' });
    const { report, timeline } = await executable.run(FEEDS, { timeoutMs: 60_000, timeline: true });
    expect(report).toMatchObject({
      outcome: 'completed',
      executable: 'thirty',
      mode: 'node',
      timeoutMs: 60_000,
      latenessMs: undefined,
      deviceLatenessMs: undefined,
      nodesCompleted: 31,
      nodesTotal: 31,
      stoppedBefore: undefined,
      device: 'puppet.mjs',
      stream: 0,
    });
    expect(report.durationMs).toBeGreaterThan(0);
    expect(timeline?.nodes).toHaveLength(31);
    expect(Object.isFrozen(report)).toBe(true);
  });
});
