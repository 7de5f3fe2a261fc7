import { describe, expect, it } from 'vitest';
import type { Engine } from '../runtime/engine.js';
import type { Executable } from '../runtime/executable.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import type { RunOptions } from '../runtime/options.js';
import { MAX_OVERTAKEN } from '../runtime/waiting-runs.js';
import type { CurfewError } from '../scheduler/errors.js';
import type { Graph } from '../scheduler/graph.js';
import type { RunReport } from '../scheduler/outcome.js';
import type { TensorSpec } from '../scheduler/tensor.js';
import { rejection, runRejection } from './support/catch-error.js';
import { startEngine, startPuppetEngine } from './support/engines.js';
import { ManualClock } from './support/manual-clock.js';
import type { ArmedAction, Puppet } from './support/puppet.js';
import { abortListeners } from './support/signals.js';

const SPEC: TensorSpec = { dtype: 'float32', shape: [1] };
const FEEDS = { x: Float32Array.of(3) };

/** Two independent kernels, `n0` and `n1`. */
function pair(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', SPEC);
  for (const name of ['n0', 'n1']) builder.output(name, builder.kernel('Neg', { x }, {}, { name }));
  return builder.build();
}

/** The executables of runs in the order they were dispatched. */
function watchDispatched(engine: Engine): string[] {
  const order: string[] = [];
  engine.on('run:dispatched', ({ executable }) => order.push(executable));
  return order;
}

/** Starts a run that occupies the stream until the action is released. */
async function occupy(
  puppet: Puppet,
  executable: Executable,
): Promise<ArmedAction & { done: Promise<RunReport> }> {
  const pause = puppet.arm(0, 'pause');
  const done = executable.run(FEEDS).then(({ report }) => report);
  await pause.reached();
  return { ...pause, done };
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

/** Compiles `pair`, one kernel per stream. */
function spreadPair(engine: Engine): Promise<Executable> {
  return engine.compile(pair(), { name: 'spread', placement: ({ index }) => index % 2 });
}

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

describe('run() inside a listener', () => {
  it('of run:settled finds the place of the run that has settled free', async () => {
    const clock = new ManualClock();
    const options = { runsInFlight: 1, queueLimit: 0 };
    const { engine, puppet } = await startPuppetEngine(options, clock);
    const executable = await engine.compile(pair());
    let next: Promise<unknown> | undefined;
    engine.on('run:settled', ({ outcome, executable: name }) => {
      if (name !== 'next') next = follower.run(FEEDS).then(({ report }) => [outcome, report.outcome]);
    });
    const follower = await engine.compile(pair(), { name: 'next' });
    const endings: Record<RunReport['outcome'], () => Promise<unknown>> = {
      completed: () => executable.run(FEEDS),
      aborted: () => stopAt(puppet, (signal) => executable.run(FEEDS, { signal })),
      'deadline-exceeded': async () => {
        const pause = puppet.arm(0, 'pause');
        const late = executable.run(FEEDS, { timeoutMs: 10 });
        await pause.reached();
        clock.advance(10);
        pause.release();
        return late;
      },
      failed: () => {
        puppet.arm(0, 'throw');
        return executable.run(FEEDS);
      },
    };
    for (const [outcome, end] of Object.entries(endings)) {
      await end().catch(() => undefined);
      expect(await next).toEqual([outcome, 'completed']);
    }
  });

  it('of run:settled goes behind the runs that wait, and what it is told comes before they are dispatched', async () => {
    const { engine, puppet } = await startPuppetEngine({ runsInFlight: 1, queueLimit: 1 });
    const [first, second, third] = await Promise.all(
      ['first', 'second', 'third'].map((name) => engine.compile(pair(), { name })),
    );
    const events: string[] = [];
    engine.on('run:dispatched', ({ executable }) => events.push(`${executable} dispatched`));
    const { promise: last, resolve } = promiseWithResolvers();
    engine.on('run:settled', ({ executable }) => {
      events.push(`${executable} settled, ${engine.stats().runs.inFlight} in flight`);
      if (executable === 'first') resolve(third!.run(FEEDS));
    });
    const occupied = await occupy(puppet, first!);
    const waiting = second!.run(FEEDS);
    occupied.release();
    await waiting;
    await last;
    expect(events).toEqual([
      'first dispatched',
      'first settled, 0 in flight',
      'second dispatched',
      'second settled, 0 in flight',
      'third dispatched',
      'third settled, 0 in flight',
    ]);
  });

  it('of run:queued goes behind the run that was queued', async () => {
    const { engine } = await startPuppetEngine({ runsInFlight: 1, queueLimit: 0 });
    const executable = await engine.compile(pair());
    let inside: Promise<CurfewError> | undefined;
    engine.on('run:queued', () => {
      inside ??= rejection(executable.run(FEEDS));
    });
    expect((await executable.run(FEEDS)).report.outcome).toBe('completed');
    expect(await inside).toMatchObject({ code: 'QUEUE_FULL' });
  });
});

/** Aborts a run that has reached its first kernel. */
async function stopAt(puppet: Puppet, run: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
  const controller = new AbortController();
  const pause = puppet.arm(0, 'pause');
  const running = run(controller.signal);
  await pause.reached();
  controller.abort();
  pause.release();
  return running;
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function promiseWithResolvers() {
  let resolve!: (value: unknown) => void;
  const promise = new Promise((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}

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
