import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../runtime/graph-builder.js';
import type { Graph } from '../scheduler/graph.js';
import { runRejection } from './support/catch-error.js';
import { startPuppetEngine } from './support/engines.js';
import type { ArmedAction, Puppet } from './support/puppet.js';

const NODES = 2000;
const SIDE = 192;
const TIMEOUT_MS = 40;

/** So many matrix products one after the other that they take seconds. */
function longChain(): Graph {
  const builder = new GraphBuilder();
  const spec = { dtype: 'float32', shape: [SIDE, SIDE] } as const;
  let value = builder.input('x', spec);
  for (let node = 0; node < NODES; node++) {
    const inputs = { a: value, b: value };
    value = builder.kernel(
      'BatchMatMul',
      inputs,
      { transposeA: false, transposeB: false },
      { name: `n${node}` },
    );
  }
  builder.output('y', value);
  return builder.build();
}

/** Blocks the thread, timers and messages included, until no kernel has ended for half a second. */
function blockUntilStill(puppet: Puppet): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  let last = puppet.executed;
  for (let stillFor = 0; stillFor < 25; stillFor++) {
    Atomics.wait(pause, 0, 0, 20);
    const { executed } = puppet;
    if (executed !== last) stillFor = 0;
    last = executed;
  }
}

/** Starts a run that gets to its first node before its deadline: a machine that is too busy is given twice the time. */
async function startInTime<Result>(
  run: (timeoutMs: number) => Promise<Result>,
  start: ArmedAction,
): Promise<{ readonly settled: Promise<Result> }> {
  const reached = start.reached().then(() => true);
  for (let timeoutMs = TIMEOUT_MS; ; timeoutMs *= 2) {
    const settled = run(timeoutMs);
    if (await Promise.race([reached, settled.then(() => false)])) return { settled };
  }
}

describe('the watchdog', () => {
  it('stops a run at its deadline while the main thread is blocked', async () => {
    const { engine, puppet } = await startPuppetEngine();
    const executable = await engine.compile(longChain());
    const feeds = { x: new Float32Array(SIDE * SIDE).fill(1 / SIDE) };
    const start = puppet.arm(0, 'pause');
    const run = await startInTime((timeoutMs) => runRejection(executable.run(feeds, { timeoutMs })), start);
    start.release();
    blockUntilStill(puppet);
    const executed = puppet.executed;
    // The main thread has not had a turn since the deadline: nobody but the watchdog can have stopped the kernels.
    expect(executed).toBeLessThan(NODES);
    const { code, report } = await run.settled;
    expect(code).toBe('DEADLINE_EXCEEDED');
    expect(report.nodesCompleted).toBe(executed);
    expect(report.deviceLatenessMs).toBeLessThan(report.latenessMs!);
  });

  it('lets a run that is in time be', async () => {
    const { engine } = await startPuppetEngine();
    const executable = await engine.compile(longChain());
    const feeds = { x: new Float32Array(SIDE * SIDE).fill(1 / SIDE) };
    const controller = new AbortController();
    const stopped = runRejection(executable.run(feeds, { timeoutMs: 60_000, signal: controller.signal }));
    controller.abort();
    expect((await stopped).code).toBe('ABORTED');
    expect((await runRejection(executable.run(feeds, { timeoutMs: 1 }))).code).toBe('DEADLINE_EXCEEDED');
  });
});
