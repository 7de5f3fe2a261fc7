import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../runtime/graph-builder.js';
import type { Graph } from '../scheduler/graph.js';
import { runRejection } from './support/catch-error.js';
import { startPuppetEngine } from './support/engines.js';
import { expectCorrectRun, FEEDS, thirtyNodes } from './support/thirty-nodes.js';

/** A graph none of whose nodes the puppet knows. */
function innocent(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', { dtype: 'float32', shape: [2] });
  builder.output('y', builder.kernel('Neg', { x }, {}, { name: 'innocent' }));
  return builder.build();
}

describe('after a WebAssembly trap', () => {
  it('runs that wait in the same stream complete on its replacement, and nothing on the trapped one', async () => {
    const { engine, puppet } = await startPuppetEngine({ runsInFlight: 4 });
    const guilty = await engine.compile(thirtyNodes());
    const other = await engine.compile(innocent());
    for (let round = 1; round <= 3; round++) {
      const pause = puppet.arm(2, 'pause');
      puppet.arm(3, 'trap');
      const trapped = runRejection(guilty.run(FEEDS));
      await pause.reached();
      const behind = [1, 2, 3].map((value) => other.run({ x: Float32Array.of(value, -value) }));
      pause.release();
      expect(await trapped).toMatchObject({ code: 'KERNEL_FAILED', node: 'n3' });
      for (const [index, { outputs }] of (await Promise.all(behind)).entries())
        expect([...outputs['y']!.data]).toEqual([-(index + 1), index + 1]);
      await expectCorrectRun(guilty);
      expect(engine.stats().streams[0]!.replaced).toBe(round);
    }
    expect(engine.stats()).toMatchObject({ runs: { inFlight: 0, failed: 3 }, bytes: { live: 0 } });
  });

  it('an empty average pool gives nothing, and spoils no other run', async () => {
    const { engine } = await startPuppetEngine({ runsInFlight: 2 });
    const other = await engine.compile(innocent());
    const builder = new GraphBuilder();
    const x = builder.input('x', { dtype: 'float32', shape: [1, 2, 2, 1] });
    const attributes = { filterSize: [3, 3], strides: [1, 1], pad: 'valid' };
    builder.output('y', builder.kernel('AvgPool', { x }, attributes));
    const empty = await engine.compile(builder.build());
    const { outputs } = await empty.run({ x: new Float32Array(4) });
    expect(outputs['y']).toEqual({ dtype: 'float32', shape: [1, 0, 0, 1], data: new Float32Array(0) });
    for (let run = 0; run < 3; run++)
      expect((await other.run({ x: Float32Array.of(1, 2) })).outputs['y']!.data[1]).toBe(-2);
  });
});
