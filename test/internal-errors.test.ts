import { describe, expect, it } from 'vitest';
import type { Engine } from '../runtime/engine.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import type { StreamEvent } from '../scheduler/stream.js';
import { runRejection } from './support/catch-error.js';
import { startEngine, startPuppetEngine } from './support/engines.js';
import { ManualClock } from './support/manual-clock.js';
import { Puppet } from './support/puppet.js';
import { type Spied, startSpiedEngine } from './support/spied-device.js';
import { expectCorrectRun, FEEDS, thirtyNodes } from './support/thirty-nodes.js';

/** Tells of the next segment that it failed and not why, which no stream may: the run ends with INTERNAL. */
function lieOnce(spied: Spied): void {
  const tellTruth = (event: StreamEvent) => event;
  spied.distort = (event) => {
    if (event.kind !== 'segment') return event;
    spied.distort = tellTruth;
    return { ...event, status: 'failed', error: undefined };
  };
}

function expectIdle(engine: Engine): void {
  const { runs, bytes, streams } = engine.stats();
  expect([runs.inFlight, runs.queued, bytes.live]).toEqual([0, 0, 0]);
  expect(streams.every(({ inFlight }) => inFlight === 0)).toBe(true);
}

describe('a run that ends with INTERNAL', () => {
  it.each([
    ['on one stream', 1],
    ['spread over two', 2],
  ])('%s has its streams replaced, and its slot serves the next run', async (_where, streams) => {
    const clock = new ManualClock();
    const spied = await startSpiedEngine({ streams, runsInFlight: 1 }, clock);
    const { engine, armed } = spied;
    const placement = ({ index }: { readonly index: number }) => index % streams;
    const executable = await engine.compile(thirtyNodes(), { placement });
    await expectCorrectRun(executable);
    for (let round = 1; round <= 5; round++) {
      lieOnce(spied);
      const error = await runRejection(executable.run(FEEDS, { timeoutMs: 1000, timeline: true }));
      expect(error).toMatchObject({ code: 'INTERNAL', report: { outcome: 'failed' } });
      await engine.onIdle();
      expect([armed.size, clock.timers]).toEqual([0, 0]);
      expectIdle(engine);
      await expectCorrectRun(executable);
    }
    expect(engine.stats().streams.reduce((sum, { replaced }) => sum + replaced, 0)).toBeGreaterThanOrEqual(5);
    expect(engine.stats().runs).toMatchObject({ completed: 6, failed: 5 });
  });

  it('leaves runs behind it on the same stream to the replacement', async () => {
    const puppet = new Puppet();
    const spied = await startSpiedEngine({ device: puppet.device, runsInFlight: 3 });
    const executable = await spied.engine.compile(thirtyNodes());
    const pause = puppet.arm(2, 'pause');
    lieOnce(spied);
    const broken = runRejection(executable.run(FEEDS));
    const behind = [1, 2].map(() => executable.run(FEEDS).catch((error: { code: string }) => error.code));
    await pause.reached();
    pause.release();
    expect((await broken).code).toBe('INTERNAL');
    // One of them may have been begun before the stream was ended.
    for (const result of await Promise.all(behind)) {
      if (typeof result === 'string') expect(result).toBe('DEVICE_LOST');
      else expect(result.report.outcome).toBe('completed');
    }
    await spied.engine.onIdle();
    expectIdle(spied.engine);
    await expectCorrectRun(executable);
  });
});

describe('a run whose host node fails by a fault of the engine', () => {
  it('ends with INTERNAL', async () => {
    class BrokenClock extends ManualClock {
      hold(): () => void {
        throw new Error('a bug');
      }
    }
    const engine = await startEngine({ runsInFlight: 1 }, new BrokenClock());
    const builder = new GraphBuilder();
    const outputs = { y: { dtype: 'float32', shape: [1] } } as const;
    builder.output('y', builder.host('host', { outputs, run: () => ({ y: new Float32Array(1) }) }).y);
    const executable = await engine.compile(builder.build());
    expect((await runRejection(executable.run({}))).code).toBe('INTERNAL');
    expectIdle(engine);
  });
});

describe('a product that the kernels compute wrongly', () => {
  it('is right, and the slot serves the next run', async () => {
    const { engine } = await startPuppetEngine({ runsInFlight: 1 });
    const builder = new GraphBuilder();
    const a = builder.input('a', { dtype: 'float32', shape: [4, 1, 1, 1] });
    const b = builder.input('b', { dtype: 'float32', shape: [4, 1, 3] });
    const attributes = { transposeA: false, transposeB: false };
    builder.output('y', builder.kernel('BatchMatMul', { a, b }, attributes));
    const executable = await engine.compile(builder.build());
    const factors = Float32Array.of(1, 10, 100, 1000);
    const rows = Float32Array.from({ length: 12 }, (_, index) => index);
    const { outputs } = await executable.run({ a: factors, b: rows });
    expect(outputs['y']!.shape).toEqual([4, 4, 1, 3]);
    expect([...outputs['y']!.data]).toEqual(
      [...factors].flatMap((factor) => [...rows].map((row) => row * factor)),
    );
    await expectCorrectRun(await engine.compile(thirtyNodes()));
    expectIdle(engine);
  });
});

describe('a feed whose buffer is transferred away while the run waits', () => {
  it('fails that run with INVALID_FEED, and the slot serves the next', async () => {
    const { engine, puppet } = await startPuppetEngine({ runsInFlight: 1 });
    const executable = await engine.compile(thirtyNodes());
    const pause = puppet.arm(3, 'pause');
    const first = executable.run(FEEDS);
    await pause.reached();
    const x = FEEDS.x.slice();
    const gone = runRejection(executable.run({ x }, { timeoutMs: 60_000 }));
    structuredClone(x, { transfer: [x.buffer] });
    pause.release();
    expect(await gone).toMatchObject({
      code: 'INVALID_FEED',
      report: { outcome: 'failed', nodesCompleted: 0 },
    });
    await first;
    await expectCorrectRun(executable);
    expectIdle(engine);
  });

  it.each([
    ['the run is in flight and puts it out', true],
    ['the run is in flight and a host node needs it', false],
  ])('or while %s', async (_when, isOutput) => {
    const { engine, puppet } = await startPuppetEngine({ runsInFlight: 1 });
    const spec = { dtype: 'float32', shape: [2] } as const;
    const builder = new GraphBuilder();
    const x = builder.input('x', spec);
    const first = builder.kernel('Neg', { x }, {}, { name: 'n0' });
    const run = () => ({ y: new Float32Array(2) });
    if (isOutput) builder.output('fed', x);
    builder.output('y', builder.host('host', { inputs: { x, first }, outputs: { y: spec }, run }).y);
    const executable = await engine.compile(builder.build());
    const pause = puppet.arm(0, 'pause');
    const feed = Float32Array.of(1, 2);
    const gone = runRejection(executable.run({ x: feed }));
    await pause.reached();
    structuredClone(feed, { transfer: [feed.buffer] });
    pause.release();
    expect(await gone).toMatchObject({ code: 'INVALID_FEED', report: { outcome: 'failed' } });
    expectIdle(engine);
    expect((await executable.run({ x: Float32Array.of(1, 2) })).report.outcome).toBe('completed');
  });
});
