/** What a GPU refuses, and memory that is short: told to the run it concerns, and over with it. */
import { describe, expect, it } from 'vitest';
import { type Engine, type Executable, GraphBuilder } from '../../runtime/index.js';
import { runRejection } from '../support/catch-error.js';
import { startEngine } from '../support/engines.js';
import { until } from '../support/until.js';

const MODULE = new URL('../support/devices/webgpu.mjs', import.meta.url);
const MODES = ['none', 'node', { precisionMs: 50 }] as const;

/** A chain in which no two tensors are of one size, so that none takes another's buffer. */
function growing(length: number, name: string) {
  const builder = new GraphBuilder();
  const x = builder.input('x', { dtype: 'float32', shape: [1, length] });
  let y = builder.kernel('Neg', { x }, {}, { name });
  for (let times = 2; times <= 6; times++) {
    const part = builder.kernel('Slice', { x: y }, { begin: [0, 0], size: [1, length] });
    y = builder.kernel('Tile', { x: part }, { reps: [1, times] });
  }
  builder.output('y', y);
  return builder.build();
}

const feedsOf = (length: number) => ({ x: new Float32Array(length).fill(2) });

async function expectRight(executable: Executable, length: number): Promise<void> {
  for (const cancellation of MODES)
    for (const timeline of [true, false]) {
      const { outputs } = await executable.run(feedsOf(length), { cancellation, timeline });
      expect([...new Set(outputs['y']!.data)]).toEqual([-2]);
    }
}

function expectNothingLeft(engine: Engine): void {
  const { bytes, streams } = engine.stats();
  expect([bytes.live, streams[0]!.replaced]).toEqual([0, 0]);
}

describe.each(['refuse tensors', 'refuse readings'])('a GPU that is told to %s', (name) => {
  it.each(MODES)(
    'fails the run in mode %o only, and what is compiled later runs on it',
    async (cancellation) => {
      const engine = await startEngine({ device: { module: MODULE } });
      // Long enough for a reading buffer of its own.
      const refusing = await engine.compile(growing(4000, name));
      const error = await runRejection(refusing.run(feedsOf(4000), { cancellation }));
      expect(error.code).toBe('KERNEL_FAILED');
      const other = await engine.compile(growing(4000, 'n'));
      expect(other.fallbacks).toEqual([]);
      await expectRight(other, 4000);
      expectNothingLeft(engine);
    },
  );
});

describe('memory of the GPU', () => {
  it('may be as short as what a run needs at once, in all modes', async () => {
    const engine = await startEngine({ device: 'webgpu', memoryLimitBytes: 64 * 1024 });
    const executable = await engine.compile(growing(1024, 'n'));
    for (let round = 0; round < 3; round++) await expectRight(executable, 1024);
    expectNothingLeft(engine);
  });

  it('is never asked for a tensor that no shader can be given', async () => {
    const length = 325;
    const spec = { dtype: 'float32', shape: [length, length] } as const;
    const builder = new GraphBuilder();
    const inputs = { 0: builder.input('a', spec), 1: builder.input('b', spec) };
    builder.output('y', builder.kernel('Einsum', inputs, { equation: 'ij,jk->ik' }));
    const engine = await startEngine({ device: 'webgpu' });
    const executable = await engine.compile(builder.build());
    const ones = new Float32Array(length * length).fill(1);
    const { outputs } = await executable.run({ a: ones, b: ones });
    expect([...new Set(outputs['y']!.data)]).toEqual([length]);
  });
});

describe('a node on the cpu kernels that takes long', () => {
  it('does not keep the engine from being destroyed', async () => {
    const spec = { dtype: 'int32', shape: [1000, 1000] } as const;
    const builder = new GraphBuilder();
    const x = builder.input('x', spec);
    builder.output('y', builder.kernel('BatchMatMul', { a: x, b: x }));
    const engine = await startEngine({ device: 'webgpu' });
    const executable = await engine.compile(builder.build());
    const run = runRejection(executable.run({ x: new Int32Array(1_000_000) }));
    await until(() => engine.stats().bytes.live > 0, 'the run is on its way');
    await engine.destroy();
    expect((await run).code).toBe('ENGINE_CLOSED');
    expect(engine.stats().streams[0]!.abandonedThreads).toBe(0);
  });
});
