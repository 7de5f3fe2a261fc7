import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../runtime/graph-builder.js';
import type { Graph, HostFunction } from '../scheduler/graph.js';
import { runRejection } from './support/catch-error.js';
import { startPuppetEngine } from './support/engines.js';
import { ManualClock } from './support/manual-clock.js';
import { Puppet } from './support/puppet.js';
import { startSpiedEngine } from './support/spied-device.js';
import { expectCorrectRun, FEEDS, thirtyNodes } from './support/thirty-nodes.js';
import { until } from './support/until.js';

const SPEC = { dtype: 'float32', shape: [2] } as const;

/** A kernel that the puppet does not know, a host node, another such kernel that needs both. */
function sandwich(run: HostFunction): Graph {
  const builder = new GraphBuilder();
  const first = builder.kernel('Neg', { x: builder.input('x', SPEC) }, {}, { name: 'first' });
  const { y } = builder.host('between', { inputs: { first }, outputs: { y: SPEC }, run });
  builder.output('y', builder.kernel('Add', { a: first, b: y }, {}, { name: 'last' }));
  return builder.build();
}

describe('a stopped run that shares its stream with one that hangs', () => {
  it.each([
    ['its deadline', { timeoutMs: 10 }, 'DEADLINE_EXCEEDED'],
    ['an abort', {}, 'ABORTED'],
  ] as const)('settles at %s when none of it has begun', async (_what, options, code) => {
    const clock = new ManualClock();
    const { engine, puppet } = await startPuppetEngine({ runsInFlight: 2, drainLimitMs: 100 }, clock);
    const executable = await engine.compile(thirtyNodes());
    const hang = puppet.arm(3, 'pause');
    const hung = executable.run(FEEDS);
    await hang.reached();
    const controller = new AbortController();
    const stopped = runRejection(executable.run(FEEDS, { ...options, signal: controller.signal }));
    if (code === 'ABORTED') controller.abort();
    clock.advance(10);
    expect(await stopped).toMatchObject({
      code,
      report: { nodesCompleted: 0, latenessMs: code === 'ABORTED' ? 10 : 0 },
    });
    clock.advance(1000);
    hang.release();
    expect((await hung).report.outcome).toBe('completed');
    await expectCorrectRun(executable);
    expect([clock.timers, engine.stats().bytes.live, engine.stats().streams[0]!.replaced]).toEqual([0, 0, 0]);
  });

  it('settles when the stream holds values of it, which it releases when it gets to it', async () => {
    const puppet = new Puppet();
    const { engine, armed } = await startSpiedEngine({ device: puppet.device, runsInFlight: 2 });
    const hanging = await engine.compile(thirtyNodes());
    let inHost = false;
    let leaveHost: () => void = () => undefined;
    const executable = await engine.compile(
      sandwich(async ({ first }) => {
        inHost = true;
        await new Promise<void>((resolve) => {
          leaveHost = resolve;
        });
        return { y: first! };
      }),
    );
    const controller = new AbortController();
    const feeds = { x: Float32Array.of(1, 2) };
    const stopped = runRejection(executable.run(feeds, { timeoutMs: 60_000, signal: controller.signal }));
    await until(() => inHost, 'the host node runs');
    const hang = puppet.arm(3, 'pause');
    const hung = hanging.run(FEEDS);
    await hang.reached();
    controller.abort();
    leaveHost();
    expect(await stopped).toMatchObject({ code: 'ABORTED', report: { stoppedBefore: 'last' } });
    // Its place is taken until its values are gone, but no deadline stops the run that has settled.
    expect([engine.stats().streams[0]!.inFlight, armed.size]).toEqual([2, 0]);
    hang.release();
    expect((await hung).report.outcome).toBe('completed');
    await engine.onIdle();
    expect(engine.stats()).toMatchObject({ bytes: { live: 0 }, streams: [{ inFlight: 0, replaced: 0 }] });
  });
});
