import type { Worker } from 'node:worker_threads';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createControlBlock, SharedControls } from '../kernels/stream-worker/control-block.js';
import { Watchdog } from '../kernels/stream-worker/watchdog.js';
import { createEngine } from '../runtime/create-engine.js';
import { stopReasonOf } from '../scheduler/cancellation.js';
import { createSystemClock } from '../scheduler/clock.js';
import { rejection, runRejection } from './support/catch-error.js';
import { startPuppetEngine } from './support/engines.js';
import { ManualClock } from './support/manual-clock.js';
import { expectCorrectRun, FEEDS, thirtyNodes } from './support/thirty-nodes.js';
import { until } from './support/until.js';

const threads = vi.hoisted(() => ({
  started: [] as { readonly path: string; readonly worker: Worker }[],
  refuses: (_path: string): boolean => false,
}));

vi.mock('node:worker_threads', async (original) => {
  const real = await original<typeof import('node:worker_threads')>();
  class CountedWorker extends real.Worker {
    constructor(path: string, options: object) {
      if (threads.refuses(path)) throw new Error('ERR_WORKER_INIT_FAILED');
      super(path, options);
      threads.started.push({ path, worker: this });
    }
  }
  return { ...real, Worker: CountedWorker };
});

const isWatchdog = (path: string) => path.includes('watchdog');
const watchdogs = () => threads.started.filter(({ path }) => isWatchdog(path));

beforeEach(() => {
  threads.started.length = 0;
  threads.refuses = () => false;
});

/** Ends watchdogs, each once it has been started, until there is no new one. */
async function endAllWatchdogs(): Promise<void> {
  for (let ended = 0; ended < watchdogs().length; ended++) {
    await watchdogs()[ended]!.worker.terminate();
    expect(ended).toBeLessThan(50);
  }
}

describe('a machine that starts no thread', () => {
  it.each([
    ['for any', () => true],
    ['for streams', (path: string) => !isWatchdog(path)],
    ['for the watchdog', isWatchdog],
  ])('%s has no engine: DEVICE_UNAVAILABLE', async (_what, refuses) => {
    threads.refuses = refuses;
    expect((await rejection(createEngine({ streams: 2 }))).code).toBe('DEVICE_UNAVAILABLE');
  });

  it('for a replacement breaks that stream; the other serves', async () => {
    const { engine, puppet } = await startPuppetEngine({ streams: 2, runsInFlight: 1 });
    const executable = await engine.compile(thirtyNodes());
    const replaced: number[] = [];
    engine.on('stream:replaced', ({ stream }) => replaced.push(stream));
    threads.refuses = () => true;
    puppet.arm(3, 'exit');
    expect(await runRejection(executable.run(FEEDS))).toMatchObject({
      code: 'DEVICE_LOST',
      report: { stream: 0 },
    });
    for (let run = 0; run < 3; run++) await expectCorrectRun(executable);
    expect(engine.stats()).toMatchObject({ bytes: { live: 0 }, runs: { inFlight: 0, completed: 3 } });
    puppet.arm(3, 'exit');
    expect((await runRejection(executable.run(FEEDS))).code).toBe('DEVICE_LOST');
    expect((await runRejection(executable.run(FEEDS))).code).toBe('DEVICE_LOST');
    expect((await rejection(engine.compile(thirtyNodes()))).code).toBe('DEVICE_LOST');
    expect(replaced).toEqual([]);
    await engine.close();
  });

  it('for a replacement fails runs that wait for the only stream', async () => {
    const { engine, puppet } = await startPuppetEngine({ runsInFlight: 1 });
    const executable = await engine.compile(thirtyNodes());
    threads.refuses = () => true;
    puppet.arm(3, 'exit');
    const runs = [1, 2, 3].map(() => runRejection(executable.run(FEEDS)));
    expect((await Promise.all(runs)).map(({ code }) => code)).toEqual(Array(3).fill('DEVICE_LOST'));
  });
});

describe('a watchdog', () => {
  it('that a close has ended is not started again', async () => {
    const { engine } = await startPuppetEngine();
    await engine.close();
    expect(watchdogs().length).toBe(1);
  });
});

describe('a watchdog that dies', () => {
  it('is started again, a bounded number of times', async () => {
    const { engine } = await startPuppetEngine();
    await endAllWatchdogs();
    expect(watchdogs().length).toBeGreaterThan(1);
    expect(watchdogs().length).toBeLessThan(20);
    await expectCorrectRun(await engine.compile(thirtyNodes()));
    expect(engine.stats().watchdog).toBe(false);
  });

  it('is started again for ever if each has run for a while', async () => {
    const clock = new ManualClock();
    const { engine } = await startPuppetEngine({}, clock);
    for (let death = 0; death < 20; death++) {
      await until(() => watchdogs().length > death, 'there is another watchdog');
      expect(engine.stats().watchdog).toBe(true);
      clock.skip(60_000);
      await watchdogs()[death]!.worker.terminate();
    }
    await until(() => watchdogs().length > 20, 'there is another watchdog');
    await engine.close();
    expect(engine.stats().watchdog).toBe(false);
  });

  it.each([
    ['too often', () => undefined],
    ['and cannot be started again', () => (threads.refuses = () => true)],
  ])('%s leaves stopping to the main thread, and closing works', async (_how, meanwhile) => {
    const clock = new ManualClock();
    const { engine, puppet } = await startPuppetEngine({}, clock);
    const executable = await engine.compile(thirtyNodes());
    meanwhile();
    await endAllWatchdogs();
    const pause = puppet.arm(2, 'pause');
    const run = runRejection(executable.run(FEEDS, { timeoutMs: 20 }));
    await pause.reached();
    clock.advance(20);
    pause.release();
    const { code, report } = await run;
    expect([code, report.stoppedBefore]).toEqual(['DEADLINE_EXCEEDED', 'n3']);
    await engine.close();
    const before = threads.started.length;
    await engine.close();
    expect(threads.started.length).toBe(before);
  });
});

describe('a deadline', () => {
  it('is forgotten at the end of its run: the next run in the slot outlives it', async () => {
    const block = createControlBlock(2);
    const controls = new SharedControls(block);
    const clock = createSystemClock();
    const watchdog = new Watchdog(block, controls, clock);
    controls.begin(0);
    controls.setDeadline(0, clock.nowMs() + 20);
    controls.end(0);
    const next = controls.begin(0);
    const other = controls.begin(1);
    // The watchdog stops in one go whatever is overdue, so the earlier deadline has had its turn by then.
    controls.setDeadline(1, clock.nowMs() + 60);
    const reasonOf = ({ words, index }: typeof next) => stopReasonOf(Atomics.load(words, index));
    await until(() => reasonOf(other) !== undefined, 'the later deadline has passed');
    expect([reasonOf(next), reasonOf(other)]).toEqual([undefined, 'deadline-exceeded']);
    await watchdog.close();
  });
});
