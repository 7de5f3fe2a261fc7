import { describe, expect, it, vi } from 'vitest';
import type { Engine } from '../runtime/engine.js';
import type { EngineEvents } from '../runtime/events.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import { rejection, runRejection } from './support/catch-error.js';
import { startEngine, startPuppetEngine } from './support/engines.js';
import { expectExceptions } from './support/expected-exceptions.js';
import { ManualClock } from './support/manual-clock.js';
import { abortListeners } from './support/signals.js';
import { expectCorrectRun, FEEDS, thirtyNodes } from './support/thirty-nodes.js';
import { nextTurn } from './support/until.js';

const EVENTS = ['run:queued', 'run:dispatched', 'run:settled'] as const;
const SPEC = { dtype: 'float32', shape: [1] } as const;

function expectIdle(engine: Engine): void {
  const { runs, bytes } = engine.stats();
  expect([runs.inFlight, runs.queued, bytes.live]).toEqual([0, 0, 0]);
}

/** A graph that begins with a host node, whose function may do whatever it likes. */
function hostFirst(run: (signal: AbortSignal) => Promise<void>) {
  const builder = new GraphBuilder();
  const { y } = builder.host('host', {
    outputs: { y: SPEC },
    run: async (_inputs, { signal }) => {
      await run(signal);
      return { y: new Float32Array(1) };
    },
  });
  builder.output('y', builder.kernel('Neg', { x: y }));
  return builder.build();
}

describe('run() inside a listener', () => {
  it.each(EVENTS)('of %s is another run like any', async (name) => {
    const { engine } = await startPuppetEngine({ runsInFlight: 1 });
    const executable = await engine.compile(thirtyNodes());
    const inner: Promise<unknown>[] = [];
    let calls = 0;
    engine.on(name, () => {
      // A run is queued within its call: the listener is called again before it has returned.
      if (calls++ < 5) inner.push(executable.run(FEEDS));
    });
    await expectCorrectRun(executable);
    await engine.onIdle();
    expect(inner.length).toBe(5);
    await Promise.all(inner);
    expect(engine.stats().runs).toMatchObject({ completed: 6 });
    expectIdle(engine);
  });

  it('of run:settled finds the place of the settled run free, with no queue', async () => {
    const { engine } = await startPuppetEngine({ runsInFlight: 1, queueLimit: 0 });
    const executable = await engine.compile(thirtyNodes());
    const inner: Promise<unknown>[] = [];
    engine.on('run:settled', () => {
      if (inner.length < 5) inner.push(executable.run(FEEDS));
    });
    await expectCorrectRun(executable);
    await engine.onIdle();
    await Promise.all(inner);
    expect(engine.stats().runs).toMatchObject({ completed: 6, failed: 0 });
  });
});

describe('a queue of no places', () => {
  it('lets no run wait, not even one that is spread over streams of which only some are busy', async () => {
    const { engine, puppet } = await startPuppetEngine({ streams: 2, runsInFlight: 1, queueLimit: 0 });
    const single = await engine.compile(thirtyNodes());
    const spread = await engine.compile(thirtyNodes(), { placement: ({ index }) => index % 2 });
    const pause = puppet.arm(2, 'pause');
    const first = single.run(FEEDS);
    await pause.reached();
    expect((await rejection(spread.run(FEEDS))).code).toBe('QUEUE_FULL');
    pause.release();
    await first;
    await expectCorrectRun(spread);
  });
});

describe('a listener that throws', () => {
  it('surfaces as an uncaught exception, and silences no other listener', async () => {
    const { engine } = await startPuppetEngine();
    const executable = await engine.compile(thirtyNodes());
    const seen: string[] = [];
    for (const name of EVENTS) {
      engine.on(name, () => {
        throw new Error(`thrown by a listener of ${name}`);
      });
      engine.on(name, (..._args: EngineEvents[typeof name]) => {
        seen.push(name);
      });
    }
    const uncaught: string[] = [];
    const noMore = expectExceptions((error) => uncaught.push((error as Error).message) > 0);
    await expectCorrectRun(executable);
    await nextTurn();
    noMore();
    expect(seen).toEqual([...EVENTS]);
    expect(uncaught).toEqual(EVENTS.map((name) => `thrown by a listener of ${name}`));
    expectIdle(engine);
  });
});

describe('one signal for many runs', () => {
  it('has one listener, and Node warns of none', async () => {
    const { engine, puppet } = await startPuppetEngine({ runsInFlight: 2 });
    const executable = await engine.compile(thirtyNodes());
    const warning = vi.fn();
    process.on('warning', warning);
    const controller = new AbortController();
    const pause = puppet.arm(2, 'pause');
    const runs = Array.from({ length: 40 }, () =>
      runRejection(executable.run(FEEDS, { signal: controller.signal })),
    );
    await pause.reached();
    expect(abortListeners(controller.signal)).toBe(1);
    controller.abort();
    pause.release();
    await Promise.all(runs);
    await nextTurn();
    process.off('warning', warning);
    expect([abortListeners(controller.signal), warning.mock.calls]).toEqual([0, []]);
  });
});

describe('an abort inside the function of a host node', () => {
  it('reaches its own signal, before the function has returned its promise', async () => {
    const engine = await startEngine();
    const controller = new AbortController();
    const executable = await engine.compile(
      hostFirst(async (signal) => {
        controller.abort();
        await new Promise<void>((resolve) => {
          if (signal.aborted) resolve();
          signal.addEventListener('abort', () => resolve());
        });
        signal.throwIfAborted();
      }),
    );
    const error = await runRejection(executable.run({}, { signal: controller.signal }));
    expect(error).toMatchObject({ code: 'ABORTED', report: { stoppedBefore: 'host' } });
    expectIdle(engine);
  });

  it('limits its draining', async () => {
    const clock = new ManualClock();
    const engine = await startEngine({ drainLimitMs: 50 }, clock);
    const controller = new AbortController();
    const executable = await engine.compile(
      hostFirst(() => {
        controller.abort();
        return new Promise(() => undefined);
      }),
    );
    const run = runRejection(executable.run({}, { signal: controller.signal }));
    await nextTurn();
    clock.advance(50);
    expect(await run).toMatchObject({ code: 'HOST_NODE_FAILED', node: 'host' });
    expect(clock.timers).toBe(0);
    expectIdle(engine);
  });
});

describe('a listener for the signal of a host node', () => {
  it('may end the engine within an abort', async () => {
    const clock = new ManualClock();
    const engine = await startEngine({ drainLimitMs: 50 }, clock);
    const controller = new AbortController();
    const executable = await engine.compile(
      hostFirst(
        (signal) =>
          new Promise(() => {
            signal.addEventListener('abort', () => void engine.destroy());
          }),
      ),
    );
    const run = runRejection(executable.run({}, { signal: controller.signal }));
    await nextTurn();
    controller.abort();
    expect((await run).code).toBe('ENGINE_CLOSED');
    await engine.destroy();
    expect(clock.timers).toBe(0);
    expectIdle(engine);
  });
});
