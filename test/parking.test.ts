/** Threads of devices that take the process down when they are ended in the middle of something are parked before. */
import { describe, expect, it } from 'vitest';
import { PARK_LIMIT_MS, START_LIMIT_MS } from '../kernels/stream-worker/worker-thread.js';
import { createEngine, createEngineWithClock } from '../runtime/create-engine.js';
import type { Engine } from '../runtime/engine.js';
import { rejection, runRejection } from './support/catch-error.js';
import { startEngine } from './support/engines.js';
import type { FakeThread } from './support/fake-threads.js';
import { ManualClock } from './support/manual-clock.js';
import { ParkingDevice, startParkingEngine } from './support/parking-device.js';
import { type Stage, startLoaded } from './support/staged-stream.js';
import { expectCorrectRun, FEEDS, thirtyNodes } from './support/thirty-nodes.js';
import { until } from './support/until.js';

const DRAIN_LIMIT_MS = 10;

/** An engine with a run in the middle of a wait. */
async function startWaiting(wait: 'looks' | 'turns' | 'hangs', engineOptions = {}, clock?: ManualClock) {
  const { engine, parking } = await startParkingEngine(engineOptions, clock);
  const executable = await engine.compile(thirtyNodes());
  await expectCorrectRun(executable);
  const before = parking.count('waiting');
  parking.wait = wait;
  const abort = new AbortController();
  const run = runRejection(executable.run(FEEDS, { cancellation: 'node', signal: abort.signal }));
  await until(() => parking.count('waiting') > before, 'the run waits');
  return { engine, parking, executable, run, abort };
}

const abandonedThreads = (engine: Engine) => engine.stats().streams.map((stream) => stream.abandonedThreads);

describe('a thread that must park', () => {
  it('is parked before it is ended when its idle engine is closed', async () => {
    const { engine, parking } = await startParkingEngine({ streams: 2 });
    await engine.close();
    expect([parking.count('created'), parking.count('idle')]).toEqual([2, 2]);
  });

  describe.each(['looks', 'turns'] as const)('and %s while it waits', (wait) => {
    it.each([
      ['destroy()', (engine: Engine) => engine.destroy()],
      ['close({ withinMs })', (engine: Engine) => engine.close({ withinMs: 0 })],
    ])('is parked in the middle of a run by %s', async (_how, end) => {
      const { engine, parking, run } = await startWaiting(wait);
      const made = parking.count('made');
      await end(engine);
      expect((await run).code).toBe('ENGINE_CLOSED');
      expect([parking.count('idle'), parking.count('made')]).toEqual([1, made]);
    });

    it('is parked when its run does not drain within the limit, and replaced', async () => {
      const { engine, parking, executable, run, abort } = await startWaiting(wait, { drainLimitMs: 0 });
      abort.abort();
      expect((await run).code).toBe('DEVICE_LOST');
      parking.wait = 'returns';
      await expectCorrectRun(executable);
      expect([parking.count('created'), parking.count('idle')]).toEqual([2, 1]);
      await engine.close();
      expect(parking.count('idle')).toBe(2);
    });
  });

  it.each(['exits', 'throws'] as const)('needs none where it %s by itself, and is replaced', async (how) => {
    const { engine, parking } = await startParkingEngine();
    const executable = await engine.compile(thirtyNodes());
    parking.wait = how;
    expect((await runRejection(executable.run(FEEDS))).code).toBe('DEVICE_LOST');
    parking.wait = 'returns';
    await expectCorrectRun(executable);
    expect([parking.count('created'), parking.count('idle')]).toEqual([2, 0]);
  });

  it('is asked again until its device is idle', async () => {
    const { engine, parking } = await startParkingEngine();
    parking.park = 'busy';
    const closing = engine.close();
    await until(() => parking.count('parkCalls') >= 3, 'it is asked again');
    expect(parking.count('idle')).toBe(0);
    parking.park = 'idle';
    await closing;
    expect(parking.count('idle')).toBe(1);
  });
});

describe('a thread that must park while it starts', () => {
  it('is given time to make its device, and is parked then', async () => {
    const parking = new ParkingDevice(['slow', 'fails']);
    const clock = new ManualClock();
    const creating = rejection(createEngineWithClock({ device: parking.device, streams: 2 }, clock));
    await until(() => clock.timers > 0, 'it is asked to park');
    clock.advance(START_LIMIT_MS - 1);
    expect(parking.count('created')).toBe(0);
    parking.openGate();
    expect((await creating).message).toContain('told to fail');
    expect([parking.count('created'), parking.count('idle')]).toEqual([1, 1]);
  });

  it('is refused when its module says that it parks and its backend cannot', async () => {
    const { device } = new ParkingDevice(['lacks park']);
    const error = await rejection(createEngine({ device }));
    expect(error).toMatchObject({ code: 'DEVICE_UNAVAILABLE' });
    expect(error.message).toContain('backend.park: expected a function');
  });
});

describe('a thread that hangs', () => {
  it.each(['busy', 'throws'] as const)(
    'in a device that is never idle (%s) is abandoned by close()',
    async (how) => {
      const clock = new ManualClock();
      const { engine, parking } = await startParkingEngine({}, clock);
      parking.park = how;
      const closing = engine.close();
      await until(() => parking.count('parkCalls') > 0, 'it is asked to park');
      expect(abandonedThreads(engine)).toEqual([0]);
      clock.advance(PARK_LIMIT_MS);
      await closing;
      expect(abandonedThreads(engine)).toEqual([1]);
      parking.park = 'idle';
      await until(() => abandonedThreads(engine)[0] === 0, 'it is ended once it is idle');
    },
  );

  it('is abandoned and replaced, and does nothing more when it comes back', async () => {
    const clock = new ManualClock();
    const { engine, parking, executable, run, abort } = await startWaiting(
      'hangs',
      { drainLimitMs: DRAIN_LIMIT_MS },
      clock,
    );
    const reasons: string[] = [];
    engine.on('stream:replaced', ({ reason }) => reasons.push(reason.message));
    abort.abort();
    clock.advance(DRAIN_LIMIT_MS);
    clock.advance(PARK_LIMIT_MS);
    await run;
    await until(() => reasons.length === 1, 'it is replaced');
    parking.wait = 'returns';
    await expectCorrectRun(executable);
    expect([abandonedThreads(engine), parking.count('created')]).toEqual([[1], 2]);
    const made = parking.count('made');
    parking.openGate();
    await until(() => abandonedThreads(engine)[0] === 0, 'it is ended once it comes back');
    expect([parking.count('idle'), parking.count('made')]).toEqual([1, made]);
    await expectCorrectRun(executable);
  });
});

describe('a stream whose threads are abandoned', () => {
  /** A run has to be got rid of, and its thread hangs. */
  async function abandonOne(stage: Stage): Promise<FakeThread> {
    const thread = stage.thread();
    stage.open(0);
    thread.begin(stage.claims);
    thread.isAbandoned = true;
    await stage.stream.evict(0, new Error('quarantine'));
    stage.thread().tell({ type: 'ready' });
    stage.thread().loadAll();
    return thread;
  }

  it('is broken once four of them hang at the same time', async () => {
    const stage = await startLoaded();
    for (let hanging = 0; hanging < 4; hanging++) {
      expect([stage.stream.available, stage.stream.abandonedThreads]).toEqual([true, hanging]);
      await abandonOne(stage);
    }
    expect(stage.stream.broken).toMatchObject({ code: 'DEVICE_LOST' });
    expect(stage.stream.broken!.message).toContain('too many of its threads hang');
    expect([stage.threads.length, stage.stream.abandonedThreads]).toEqual([4, 4]);
  });

  it('goes on for as long as they come back', async () => {
    const stage = await startLoaded();
    for (let round = 1; round <= 10; round++) {
      const thread = await abandonOne(stage);
      expect([stage.stream.available, stage.stream.abandonedThreads]).toEqual([true, 1]);
      thread.isAbandoned = false;
    }
    expect([stage.stream.replaced, stage.stream.abandonedThreads]).toEqual([10, 0]);
  });
});

describe('a thread that need not park', () => {
  it('leaves no listener at the process once it is ready', async () => {
    const before = process.listenerCount('exit');
    await startEngine({ streams: 2 });
    expect(process.listenerCount('exit')).toBe(before);
  });
});
