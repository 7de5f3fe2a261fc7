/** Runs on WebGPU that are stopped during any of their nodes. */
import { describe, expect, it } from 'vitest';
import type { CancellationOption } from '../../scheduler/cancellation.js';
import { runRejection } from '../support/catch-error.js';
import { startEngine } from '../support/engines.js';
import { expectCorrectRun, FEEDS, HOST_NODES, NODES, thirtyNodes } from '../support/thirty-nodes.js';

const MODES: readonly CancellationOption[] = ['none', 'node', { precisionMs: 1 }];
/** Turns of the event loop after which a run is aborted: from before its first node to after its last one. */
const TURNS = 60;

describe.each(MODES)('a run of thirty nodes on WebGPU in mode %o', (cancellation) => {
  it.each([1, 2])('leaves nothing when it is aborted at any instant, on %i streams', async (streams) => {
    const engine = await startEngine({ device: 'webgpu', streams, runsInFlight: 1 });
    const placement = streams === 1 ? 'single' : ({ index }: { index: number }) => index % 2;
    const executable = await engine.compile(thirtyNodes(), { placement });
    for (let turns = 0; turns < TURNS; turns += 3) {
      const abort = new AbortController();
      const run = executable
        .run(FEEDS, { cancellation, signal: abort.signal })
        .catch((error: unknown) => error);
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      abort.abort();
      const ended = (await run) as { readonly report: { readonly outcome: string } };
      expect(['completed', 'aborted']).toContain(ended.report.outcome);
      expect(engine.stats()).toMatchObject({ runs: { inFlight: 0, queued: 0 }, bytes: { live: 0 } });
      await expectCorrectRun(executable);
    }
  });

  it('stops at each host node', async () => {
    const engine = await startEngine({ device: 'webgpu', runsInFlight: 1 });
    const hooks = { onHost: (_node: number): void => undefined };
    const executable = await engine.compile(thirtyNodes((node) => hooks.onHost(node)));
    for (const node of HOST_NODES) {
      const abort = new AbortController();
      hooks.onHost = (current) => {
        if (current === node) abort.abort();
      };
      const { code, report } = await runRejection(
        executable.run(FEEDS, { cancellation, signal: abort.signal }),
      );
      expect([code, report.outcome]).toEqual(['ABORTED', 'aborted']);
      expect(report.nodesCompleted).toBeLessThanOrEqual(NODES + 1);
      expect(engine.stats().bytes.live).toBe(0);
      hooks.onHost = () => undefined;
      await expectCorrectRun(executable);
    }
  });
});
