import { describe, expect, it } from 'vitest';
import { runRejection } from './support/catch-error.js';
import { ManualClock } from './support/manual-clock.js';
import { Puppet } from './support/puppet.js';
import { startSpiedEngine } from './support/spied-device.js';
import { FEEDS, thirtyNodes } from './support/thirty-nodes.js';

describe('the deadline of a run', () => {
  it('is armed from its dispatch until it has settled, however it ends', async () => {
    const clock = new ManualClock();
    const puppet = new Puppet();
    const { engine, armed } = await startSpiedEngine({ device: puppet.device, runsInFlight: 1 }, clock);
    const settled: number[] = [];
    engine.on('run:settled', () => settled.push(armed.size));
    const executable = await engine.compile(thirtyNodes());
    const outcomes: string[] = [];
    const run = async (node: number, onDeadline: 'reject' | 'partial', meanwhile: () => void) => {
      const pause = puppet.arm(node, 'pause');
      const running = executable.run(FEEDS, { timeoutMs: 1000, onDeadline });
      await pause.reached();
      expect([armed.size, clock.timers]).toEqual([1, 1]);
      meanwhile();
      pause.release();
      outcomes.push(
        await running.then(
          ({ report }) => report.outcome,
          ({ code }) => code,
        ),
      );
      expect(clock.timers).toBe(0);
    };
    await run(2, 'reject', () => undefined);
    await run(2, 'reject', () => puppet.arm(3, 'throw'));
    await run(2, 'reject', () => clock.advance(1000));
    await run(2, 'partial', () => clock.advance(1000));
    expect(outcomes).toEqual(['completed', 'KERNEL_FAILED', 'DEADLINE_EXCEEDED', 'deadline-exceeded']);
    expect(settled).toEqual([0, 0, 0, 0]);
  });

  it('of a run that has waited is watched by one timer, and by none once it gave up', async () => {
    const clock = new ManualClock();
    const puppet = new Puppet();
    const { engine, armed } = await startSpiedEngine({ device: puppet.device, runsInFlight: 1 }, clock);
    const executable = await engine.compile(thirtyNodes());
    const first = puppet.arm(2, 'pause');
    const runs = [executable.run(FEEDS), executable.run(FEEDS, { timeoutMs: 1000 })];
    const late = runRejection(executable.run(FEEDS, { timeoutMs: 10 }));
    await first.reached();
    expect([armed.size, clock.timers]).toEqual([0, 2]);
    clock.advance(10);
    expect(await late).toMatchObject({ code: 'DEADLINE_EXCEEDED', report: { latenessMs: 0 } });
    expect([armed.size, clock.timers]).toEqual([0, 1]);
    const second = puppet.arm(1, 'pause');
    first.release();
    await second.reached();
    expect([armed.size, clock.timers]).toEqual([1, 1]);
    second.release();
    await Promise.all(runs);
    expect([armed.size, clock.timers]).toEqual([0, 0]);
  });
});
