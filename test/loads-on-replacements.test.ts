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

/** Two graphs on one real thread, which dies in a run of the guilty one with runs of both behind it. */
async function dieWithRunsBehind(
  arm: (puppet: Awaited<ReturnType<typeof startPuppetEngine>>['puppet']) => void,
) {
  const { engine, puppet } = await startPuppetEngine({ runsInFlight: 5 });
  const guilty = await engine.compile(thirtyNodes());
  const other = await engine.compile(innocent());
  arm(puppet);
  const pause = puppet.arm(2, 'pause');
  puppet.arm(3, 'exit');
  const dying = runRejection(guilty.run(FEEDS));
  await pause.reached();
  const guiltyBehind = [1, 2].map(() => runRejection(guilty.run(FEEDS)));
  const otherBehind = [1, 2].map((value) => other.run({ x: Float32Array.of(value, -value) }));
  pause.release();
  expect((await dying).code).toBe('DEVICE_LOST');
  const outputs = (await Promise.all(otherBehind)).map((result) => [...result.outputs['y']!.data]);
  expect(outputs).toEqual([
    [-1, 1],
    [-2, 2],
  ]);
  return { engine, guilty, refused: await Promise.all(guiltyBehind) };
}

describe('runs behind the load of a program on a replacement', () => {
  it('fail with the refusal when it is refused; others complete on the same thread', async () => {
    const { engine, guilty, refused } = await dieWithRunsBehind((puppet) => puppet.armLoad(3, 'throw'));
    for (const error of refused) {
      expect(error).toMatchObject({ code: 'KERNEL_FAILED', node: 'n3' });
      expect(error.message).toContain('the puppet was told to throw');
    }
    expect(engine.stats()).toMatchObject({ streams: [{ replaced: 1 }], bytes: { live: 0 } });
    expect((await runRejection(guilty.run(FEEDS))).code).toBe('KERNEL_FAILED');
  });

  it('complete when it traps once: the next thread loads it', async () => {
    const { engine, puppet } = await startPuppetEngine({ runsInFlight: 2 });
    const executable = await engine.compile(thirtyNodes());
    puppet.armLoad(3, 'trap');
    const pause = puppet.arm(2, 'pause');
    puppet.arm(3, 'exit');
    const dying = runRejection(executable.run(FEEDS));
    await pause.reached();
    const behind = expectCorrectRun(executable);
    pause.release();
    expect((await dying).code).toBe('DEVICE_LOST');
    await behind;
    expect(engine.stats().streams[0]!.replaced).toBe(2);
  });

  it.each(['trap', 'exit'] as const)(
    'fail when two threads %s in it; others complete on the next',
    async (how) => {
      const { engine, guilty, refused } = await dieWithRunsBehind((puppet) => {
        puppet.armLoad(3, how);
        puppet.armLoad(3, how);
      });
      const code = how === 'trap' ? 'KERNEL_FAILED' : 'DEVICE_LOST';
      expect(refused.map((error) => error.code)).toEqual([code, code]);
      expect(engine.stats()).toMatchObject({ streams: [{ replaced: 3 }], bytes: { live: 0 } });
      expect((await runRejection(guilty.run(FEEDS))).code).toBe(code);
    },
  );
});
