import { describe, expect, it } from 'vitest';
import type { CurfewError } from '../scheduler/errors.js';
import type { RunReport } from '../scheduler/outcome.js';
import { rejection } from './support/catch-error.js';
import { startPuppetEngine } from './support/engines.js';
import { ManualClock } from './support/manual-clock.js';
import { FEEDS, occupy, pair } from './support/pair.js';
import type { Puppet } from './support/puppet.js';

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
