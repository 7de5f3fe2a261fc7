/** Engines on WebGPU: lifetimes, several streams, memory, runs stopped in the middle, timelines. */
import { describe, expect, it } from 'vitest';
import { createEngine, type Executable, GraphBuilder } from '../../runtime/index.js';
import { runRejection } from '../support/catch-error.js';
import { startEngine } from '../support/engines.js';
import { chain, checkedExport, eventsOf, timelineOf } from '../support/timelines.js';
import { until } from '../support/until.js';
import { checkSmall, expectCorrect, FEEDS, long, matrix, small } from './graphs.js';

const MODES = ['none', 'node', { precisionMs: 2 }] as const;

describe('an engine on WebGPU', () => {
  it('can be closed and made again', async () => {
    for (let count = 0; count < 5; count++) {
      await using engine = await createEngine({ device: 'webgpu' });
      await checkSmall(engine);
    }
  });

  it('works beside one on wasm', async () => {
    const webgpu = await startEngine({ device: 'webgpu' });
    const wasm = await startEngine({ device: 'wasm' });
    for (let round = 0; round < 3; round++) await Promise.all([webgpu, wasm].map(checkSmall));
  });

  it('runs graphs on two streams at once, several in flight on each', async () => {
    const engine = await startEngine({ device: 'webgpu', streams: 2, runsInFlight: 4 });
    const executables = await Promise.all([
      engine.compile(small(), { name: 'single' }),
      engine.compile(small(), { name: 'spread', placement: ({ index }) => index % 2 }),
    ]);
    await Promise.all(Array.from({ length: 80 }, (_, index) => expectCorrect(executables[index % 2]!)));
    const { bytes, streams } = engine.stats();
    expect(bytes.live).toBe(0);
    expect(streams.every(({ replaced }) => replaced === 0)).toBe(true);
  });

  it('gives constants and prepared programs back', async () => {
    const engine = await startEngine({ device: 'webgpu' });
    const executable = await engine.compile(small());
    expect(engine.stats().bytes.constants).toBeGreaterThan(0);
    await expectCorrect(executable);
    await executable.dispose();
    await until(() => engine.stats().bytes.constants === 0, 'the constants are gone');
  });

  it('loads programs of ever other shapes, and keeps nothing of them', async () => {
    const engine = await startEngine({ device: 'webgpu' });
    for (let length = 1; length <= 60; length++) {
      await using executable = await engine.compile(long(length, 3));
      const { outputs } = await executable.run({ x: matrix(length) });
      expect(outputs['y']!.data[0]).toBeCloseTo(1 / length, 4);
    }
    await until(() => engine.stats().bytes.constants === 0, 'the constants are gone');
    expect(engine.stats().bytes.live).toBe(0);
  });

  it('keeps to memoryLimitBytes, and the next run works', async () => {
    const engine = await startEngine({ device: 'webgpu', memoryLimitBytes: 2 ** 20 });
    const tight = await engine.compile(long(200, 3));
    await tight.run({ x: matrix(200) });
    const builder = new GraphBuilder();
    const x = builder.input('x', { dtype: 'float32', shape: [1] });
    builder.output('y', builder.kernel('Tile', { x }, { reps: [2 ** 20] }, { name: 'large' }));
    const tooLarge = await engine.compile(builder.build());
    for (const cancellation of MODES) {
      const error = await runRejection(tooLarge.run({ x: Float32Array.of(1) }, { cancellation }));
      expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', node: 'large' });
      await tight.run({ x: matrix(200) }, { cancellation });
      expect(engine.stats().bytes.live).toBe(0);
    }
  });

  it.each(MODES)('refuses indices out of range by name in mode %o', async (cancellation) => {
    const engine = await startEngine({ device: 'webgpu' });
    const builder = new GraphBuilder();
    const x = builder.input('x', { dtype: 'float32', shape: [2, 2] });
    const indices = builder.input('indices', { dtype: 'int32', shape: [1] });
    builder.output('y', builder.kernel('GatherV2', { x, indices }, { axis: 0 }, { name: 'pick' }));
    const executable = await engine.compile(builder.build());
    const pick = (index: number) =>
      executable.run({ ...FEEDS, indices: Int32Array.of(index) }, { cancellation });
    for (const index of [2, -1, 2 ** 31 - 1])
      expect(await runRejection(pick(index))).toMatchObject({ code: 'KERNEL_FAILED', node: 'pick' });
    expect([...(await pick(1)).outputs['y']!.data]).toEqual([3, 4]);
    expect(engine.stats().bytes.live).toBe(0);
  });

  it.each(['node', { precisionMs: 1 }] as const)(
    'stops a run in the middle in mode %o',
    async (cancellation) => {
      const engine = await startEngine({ device: 'webgpu' });
      const executable = await engine.compile(long(256, 1000));
      const error = await runRejection(executable.run({ x: matrix(256) }, { timeoutMs: 100, cancellation }));
      expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      expect(error.report.nodesCompleted).toBeLessThan(1000);
      await checkSmall(engine);
    },
  );

  it('drains a run in mode none that is aborted', async () => {
    const engine = await startEngine({ device: 'webgpu' });
    const executable = await engine.compile(long(256, 100));
    const abort = new AbortController();
    const options = { signal: abort.signal, cancellation: 'none' } as const;
    const run = runRejection(executable.run({ x: matrix(256) }, options));
    await until(() => engine.stats().runs.inFlight === 1, 'the run has begun');
    abort.abort();
    expect((await run).report).toMatchObject({ outcome: 'aborted', nodesCompleted: 100 });
    await checkSmall(engine);
  });
});

describe('a timeline on WebGPU', () => {
  async function kernelEvents(executable: Executable, cancellation: (typeof MODES)[number]) {
    return eventsOf(checkedExport(await timelineOf(executable, { cancellation })), 'node');
  }

  it.each(MODES)('shows when the GPU executed each node, in order, in mode %o', async (cancellation) => {
    const engine = await startEngine({ device: 'webgpu' });
    const executable = await engine.compile(chain(40));
    for (let run = 0; run < 3; run++) {
      const kernels = await kernelEvents(executable, cancellation);
      expect(kernels.map(({ name }) => name)).toEqual(Array.from({ length: 40 }, (_, node) => `n${node}`));
    }
  });
});
