import { describe, expect, it } from 'vitest';
import { runRejection } from './support/catch-error.js';
import { startPuppetEngine } from './support/engines.js';
import { ManualClock } from './support/manual-clock.js';
import { expectCorrectRun, FEEDS, thirtyNodes } from './support/thirty-nodes.js';
import { until } from './support/until.js';

describe('a host node that was given up', () => {
  it.each([
    ['returns', () => undefined],
    ['throws', () => Promise.reject(new Error('too late'))],
  ])('has no part in the run any more when it %s, though a stream is still in it', async (_how, last) => {
    const clock = new ManualClock();
    const { engine, puppet } = await startPuppetEngine({ drainLimitMs: 50 }, clock);
    let leaveHost: (() => void) | undefined;
    const onHost = async (node: number) => {
      if (node !== 6 || leaveHost !== undefined) return;
      await new Promise<void>((resolve) => {
        leaveHost = resolve;
      });
      await last();
    };
    const executable = await engine.compile(thirtyNodes(onHost));
    const hang = puppet.arm(7, 'pause');
    const controller = new AbortController();
    const run = runRejection(executable.run(FEEDS, { signal: controller.signal }));
    await hang.reached();
    await until(() => leaveHost !== undefined, 'the host node runs');
    controller.abort();
    // The thread is told to end, which takes it some turns; the host node ends before.
    clock.advance(50);
    leaveHost!();
    expect(await run).toMatchObject({ code: 'HOST_NODE_FAILED', node: 'n6', report: { outcome: 'failed' } });
    await engine.onIdle();
    expect(engine.stats()).toMatchObject({
      runs: { inFlight: 0, failed: 1 },
      bytes: { live: 0 },
      streams: [{ inFlight: 0, replaced: 1 }],
    });
    await expectCorrectRun(executable);
    expect(clock.timers).toBe(0);
  });
});
