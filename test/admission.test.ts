import { describe, expect, it } from 'vitest';
import type { Engine } from '../runtime/engine.js';
import type { RunOptions } from '../runtime/options.js';
import { MAX_OVERTAKEN } from '../runtime/waiting-runs.js';
import { rejection, runRejection } from './support/catch-error.js';
import { startEngine, startPuppetEngine } from './support/engines.js';
import { ManualClock } from './support/manual-clock.js';
import { FEEDS, occupy, pair, spreadPair } from './support/pair.js';
import { abortListeners } from './support/signals.js';

/** The executables of runs in the order they were dispatched. */
function watchDispatched(engine: Engine): string[] {
  const order: string[] = [];
  engine.on('run:dispatched', ({ executable }) => order.push(executable));
  return order;
}

describe('waiting runs', () => {
  it('go by priority, and in order of their calls where it is equal', async () => {
    const { engine, puppet } = await startPuppetEngine({ runsInFlight: 1 });
    const wanted: [string, number][] = [
      ['low', -1],
      ['default 1', 0],
      ['high 1', 5],
      ['default 2', 0],
      ['high 2', 5],
      ['half', 0.5],
    ];
    const executables = await Promise.all(wanted.map(([name]) => engine.compile(pair(), { name })));
    const first = await occupy(puppet, executables[0]!);
    const order = watchDispatched(engine);
    const runs = wanted.map(([, priority], index) => executables[index]!.run(FEEDS, { priority }));
    expect(engine.stats().runs).toMatchObject({ queued: 6, inFlight: 1 });
    first.release();
    await Promise.all(runs);
    expect(order).toEqual(['high 1', 'high 2', 'half', 'default 1', 'default 2', 'low']);
  });

  it('are refused beyond queueLimit, without a trace, until one of them is dispatched', async () => {
    const { engine, puppet } = await startPuppetEngine({ runsInFlight: 1, queueLimit: 2 });
    const executable = await engine.compile(pair());
    const events: string[] = [];
    engine.on('run:queued', () => events.push('queued'));
    engine.on('run:settled', () => events.push('settled'));
    const first = await occupy(puppet, executable);
    const waiting = [1, 2].map(() => executable.run(FEEDS));
    const error = await rejection(executable.run(FEEDS));
    expect(error).toMatchObject({ code: 'QUEUE_FULL', expected: 2, received: 3 });
    expect(events).toEqual(['queued', 'queued', 'queued']);
    first.release();
    await Promise.all([first.done, ...waiting]);
    await executable.run(FEEDS);
    expect(events.filter((name) => name === 'settled')).toHaveLength(4);
    expect(engine.stats().runs).toMatchObject({ queued: 0, inFlight: 0, completed: 4, failed: 0 });
  });

  it('are never refused when each is called after the one before has settled', async () => {
    const { engine } = await startPuppetEngine({ runsInFlight: 1, queueLimit: 0 });
    const executable = await engine.compile(pair());
    const options: RunOptions[] = [
      {},
      { timeoutMs: 10_000 },
      { signal: AbortSignal.abort() },
      { timeoutMs: 0 },
      { timeoutMs: 0, onDeadline: 'partial' },
    ];
    for (let run = 0; run < 200; run++) {
      const error: unknown = await executable
        .run(FEEDS, options[run % options.length]!)
        .catch((error) => error);
      if (error instanceof Error)
        expect(['ABORTED', 'DEADLINE_EXCEEDED']).toContain((error as { code?: string }).code);
    }
    expect(engine.stats().runs).toMatchObject({ completed: 80, aborted: 40, deadlineExceeded: 80 });
  });

  it('are never dispatched once their deadline has passed', async () => {
    const clock = new ManualClock();
    const { engine, puppet } = await startPuppetEngine({ runsInFlight: 1 }, clock);
    const executable = await engine.compile(pair(), { name: 'first' });
    const [late, patient] = await Promise.all(
      ['late', 'patient'].map((name) => engine.compile(pair(), { name })),
    );
    const first = await occupy(puppet, executable);
    const order = watchDispatched(engine);
    const lateRun = runRejection(late!.run(FEEDS, { timeoutMs: 10 }));
    const patientRun = patient!.run(FEEDS, { timeoutMs: 100 });
    clock.advance(12);
    const { code, report } = await lateRun;
    expect(code).toBe('DEADLINE_EXCEEDED');
    expect(report).toMatchObject({ queuedMs: 12, durationMs: 0, latenessMs: 2, nodesCompleted: 0 });
    expect(report.stream).toBeUndefined();
    first.release();
    expect((await patientRun).report).toMatchObject({ outcome: 'completed', queuedMs: 12 });
    expect(order).toEqual(['patient']);
  });

  it('are not dispatched when the deadline passes in the very turn that frees their place', async () => {
    const clock = new ManualClock();
    const { engine, puppet } = await startPuppetEngine({ runsInFlight: 1 }, clock);
    const executable = await engine.compile(pair());
    const first = await occupy(puppet, executable);
    const late = runRejection(executable.run(FEEDS, { timeoutMs: 10 }));
    engine.on('run:settled', () => clock.skip(10));
    const order = watchDispatched(engine);
    first.release();
    expect(await late).toMatchObject({ code: 'DEADLINE_EXCEEDED', report: { nodesCompleted: 0 } });
    expect(order).toEqual([]);
    expect((await executable.run(FEEDS)).report.outcome).toBe('completed');
  });

  it('leave the queue at once when they are aborted', async () => {
    const { engine, puppet } = await startPuppetEngine({ runsInFlight: 1, queueLimit: 1 });
    const executable = await engine.compile(pair());
    const first = await occupy(puppet, executable);
    for (let round = 0; round < 3; round++) {
      const controller = new AbortController();
      const waiting = runRejection(executable.run(FEEDS, { signal: controller.signal }));
      controller.abort();
      expect(await waiting).toMatchObject({ code: 'ABORTED', report: { nodesCompleted: 0 } });
      expect(abortListeners(controller.signal)).toBe(0);
      expect(engine.stats().runs.queued).toBe(0);
    }
    first.release();
    expect((await first.done).outcome).toBe('completed');
  });
});

describe('a spread run that waits for its streams', () => {
  it('does not hold back runs that need one, whatever their order', async () => {
    const { engine, puppet } = await startPuppetEngine({ streams: 2, runsInFlight: 1 });
    const spread = await spreadPair(engine);
    const single = await engine.compile(pair());
    const first = await occupy(puppet, single);
    const waiting = spread.run(FEEDS, { priority: 1 });
    for (let run = 0; run < MAX_OVERTAKEN; run++)
      expect((await single.run(FEEDS)).report).toMatchObject({ outcome: 'completed', stream: 1 });
    expect(engine.stats().runs).toMatchObject({ queued: 1, inFlight: 1 });
    first.release();
    expect((await waiting).report.outcome).toBe('completed');
  });

  it('gets them though runs that need one keep coming', async () => {
    const engine = await startEngine({
      device: 'virtual',
      streams: 2,
      runsInFlight: 2,
      virtual: { jitter: 0.3 },
    });
    const single = await engine.compile(pair(), { name: 'single' });
    const spread = await spreadPair(engine);
    const order = watchDispatched(engine);
    let flow = true;
    const keepRunning = async () => {
      while (flow && order.length < 200) await single.run(FEEDS);
    };
    const flows = [1, 2, 3, 4, 5, 6].map(keepRunning);
    const called = order.length;
    await spread.run(FEEDS);
    flow = false;
    await Promise.all(flows);
    expect(order.indexOf('spread') - called).toBeLessThanOrEqual(MAX_OVERTAKEN + 2);
  });

  it('counts against queueLimit', async () => {
    const { engine, puppet } = await startPuppetEngine({ streams: 2, runsInFlight: 1, queueLimit: 0 });
    const spread = await spreadPair(engine);
    const single = await engine.compile(pair());
    const first = await occupy(puppet, single);
    const error = await rejection(spread.run(FEEDS));
    expect(error).toMatchObject({ code: 'QUEUE_FULL', expected: 0, received: 1 });
    expect((await single.run(FEEDS)).report.outcome).toBe('completed');
    first.release();
    await first.done;
    expect((await spread.run(FEEDS)).report.outcome).toBe('completed');
  });
});

describe('runs in flight', () => {
  it('spread over streams, the least busy first, as many as there are slots', async () => {
    const { engine, puppet } = await startPuppetEngine({ streams: 2, runsInFlight: 2 });
    const executable = await engine.compile(pair());
    const pauses = [puppet.arm(0, 'pause'), puppet.arm(0, 'pause')];
    const runs = Array.from({ length: 6 }, () => executable.run(FEEDS));
    await Promise.all(pauses.map((pause) => pause.reached()));
    expect(engine.stats().runs).toMatchObject({ inFlight: 4, queued: 2 });
    expect(engine.stats().streams.map(({ inFlight }) => inFlight)).toEqual([2, 2]);
    for (const pause of pauses) pause.release();
    const streams = (await Promise.all(runs)).map(({ report }) => report.stream);
    expect(streams.slice(0, 4)).toEqual([0, 1, 0, 1]);
  });

  it('of a spread graph take a slot on every stream', async () => {
    const { engine, puppet } = await startPuppetEngine({ streams: 2, runsInFlight: 1 });
    const spread = await spreadPair(engine);
    const single = await engine.compile(pair());
    const pause = puppet.arm(0, 'pause');
    const first = spread.run(FEEDS);
    await pause.reached();
    const others = [single.run(FEEDS), spread.run(FEEDS), single.run(FEEDS)];
    expect(engine.stats().streams.map(({ inFlight }) => inFlight)).toEqual([1, 1]);
    expect(engine.stats().runs).toMatchObject({ inFlight: 1, queued: 3 });
    pause.release();
    expect((await first).report.stream).toBeUndefined();
    for (const { report } of await Promise.all(others)) expect(report.outcome).toBe('completed');
    expect(engine.stats().streams.map(({ inFlight }) => inFlight)).toEqual([0, 0]);
  });

  it('of a spread graph can be aborted while they wait for all of their streams', async () => {
    const { engine, puppet } = await startPuppetEngine({ streams: 2, runsInFlight: 1 });
    const spread = await spreadPair(engine);
    const single = await engine.compile(pair());
    const first = await occupy(puppet, single);
    const controller = new AbortController();
    const waiting = runRejection(spread.run(FEEDS, { signal: controller.signal }));
    expect(engine.stats().runs).toMatchObject({ inFlight: 1, queued: 1 });
    controller.abort();
    expect((await waiting).code).toBe('ABORTED');
    expect((await single.run(FEEDS)).report.stream).toBe(1);
    first.release();
    expect((await first.done).outcome).toBe('completed');
    expect((await spread.run(FEEDS)).report.outcome).toBe('completed');
  });
});
