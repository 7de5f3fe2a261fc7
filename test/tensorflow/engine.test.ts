/** Engines on TensorFlow: lifetimes, several streams, memory, runs stopped in the middle, streams replaced. */
import { describe, expect, it, vi } from 'vitest';
import type { BuilderValue } from '../../runtime/graph-builder/value.js';
import { createEngine, type Engine, type Executable, type Graph, GraphBuilder } from '../../runtime/index.js';
import { runRejection } from '../support/catch-error.js';
import { startEngine } from '../support/engines.js';
import { until } from '../support/until.js';

const FEEDS = { x: Float32Array.of(1, -2, 3, 4) };
const MATRIX = { dtype: 'float32', shape: [2, 2] } as const;

/** `y = relu(x · w + w)`. */
function small(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', MATRIX);
  const w = builder.constant('w', { ...MATRIX, data: Float32Array.of(1, 2, 3, 4) });
  const product = builder.kernel('BatchMatMul', { a: x, b: w });
  builder.output('y', builder.kernel('Relu', { x: builder.kernel('Add', { a: product, b: w }) }));
  return builder.build();
}

const EXPECTED = [0, 0, 18, 26];

const matrix = (length: number) => new Float32Array(length * length).fill(1 / length);

/** A chain of products of the input `x` that takes long enough to be stopped in the middle. */
function long(length: number, nodes: number): Graph {
  const builder = new GraphBuilder();
  const spec = { dtype: 'float32', shape: [length, length] } as const;
  const w = builder.constant('w', { ...spec, data: matrix(length) });
  let value: BuilderValue = builder.input('x', spec);
  for (let node = 0; node < nodes; node++) value = builder.kernel('BatchMatMul', { a: value, b: w });
  builder.output('y', value);
  return builder.build();
}

async function expectCorrect(executable: Executable): Promise<void> {
  const { outputs } = await executable.run(FEEDS);
  expect([...outputs['y']!.data]).toEqual(EXPECTED);
}

async function checkSmall(engine: Engine): Promise<void> {
  const executable = await engine.compile(small());
  await expectCorrect(executable);
  await executable.dispose();
}

describe('an engine on TensorFlow', () => {
  it('can be closed and made again', async () => {
    for (let count = 0; count < 5; count++) {
      await using engine = await createEngine({ device: 'tensorflow' });
      await checkSmall(engine);
    }
  });

  it('works beside one on wasm', async () => {
    const tensorflow = await startEngine({ device: 'tensorflow' });
    const wasm = await startEngine({ device: 'wasm' });
    await Promise.all([tensorflow, wasm, tensorflow, wasm].map(checkSmall));
  });

  it('leaves the environment and the console as they are', async () => {
    const before = { ...process.env };
    const methods = ['debug', 'error', 'info', 'log', 'warn'] as const;
    const spies = methods.map((method) => vi.spyOn(console, method));
    const engine = await startEngine({ device: 'tensorflow' });
    expect(process.env).toEqual(before);
    await checkSmall(engine);
    expect(methods.map((method) => console[method])).toEqual(spies);
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  it.each([false, true])('runs graphs on two streams at once, queueing: %s', async (queueing) => {
    const engine = await startEngine({ device: 'tensorflow', streams: 2, tensorflow: { queueing } });
    const executables = await Promise.all([
      engine.compile(small(), { name: 'single' }),
      engine.compile(small(), { name: 'spread', placement: ({ index }) => index % 2 }),
    ]);
    const runs = Array.from({ length: 40 }, (_, index) => expectCorrect(executables[index % 2]!));
    await Promise.all(runs);
    const { bytes, streams } = engine.stats();
    expect(bytes.live).toBe(0);
    expect(streams.every(({ replaced }) => replaced === 0)).toBe(true);
  });

  it('counts constants once per stream, and gives them back', async () => {
    const engine = await startEngine({ device: 'tensorflow', streams: 2 });
    const executable = await engine.compile(small(), { chunks: false });
    expect(engine.stats().bytes).toMatchObject({ live: 0, constants: 2 * 16 });
    await expectCorrect(executable);
    expect(engine.stats().bytes).toMatchObject({ live: 0, constants: 2 * 16 });
    await executable.dispose();
    await until(() => engine.stats().bytes.constants === 0, 'the constants are gone');
  });

  it('keeps to memoryLimitBytes, and the next run works', async () => {
    const limit = 4 * 400 * 400 * 4 + 1000;
    const engine = await startEngine({ device: 'tensorflow', memoryLimitBytes: limit });
    const tight = await engine.compile(long(400, 3));
    await tight.run({ x: matrix(400) });
    const builder = new GraphBuilder();
    const x = builder.input('x', { dtype: 'float32', shape: [1] });
    builder.output('y', builder.kernel('Tile', { x }, { reps: [400 * 400 * 4] }, { name: 'large' }));
    const tooLarge = await engine.compile(builder.build());
    const error = await runRejection(tooLarge.run({ x: Float32Array.of(1) }));
    expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', node: 'large' });
    await tight.run({ x: matrix(400) });
    expect(engine.stats().bytes.live).toBe(0);
  });

  it.each(['node', { precisionMs: 1 }] as const)(
    'stops a run in the middle in mode %o',
    async (cancellation) => {
      const engine = await startEngine({ device: 'tensorflow' });
      const executable = await engine.compile(long(300, 1000));
      const error = await runRejection(executable.run({ x: matrix(300) }, { timeoutMs: 100, cancellation }));
      expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      expect(error.report.nodesCompleted).toBeLessThan(1000);
      expect(engine.stats().bytes.live).toBe(0);
      await checkSmall(engine);
    },
  );

  it('replaces streams in the middle of a call and leaves the others unharmed', async () => {
    const engine = await startEngine({ device: 'tensorflow', streams: 2, drainLimitMs: 0 });
    const placement = ({ index }: { index: number }) => index % 2;
    const [hanging, other] = await Promise.all([
      engine.compile(long(1500, 8), { name: 'hanging' }),
      engine.compile(small(), { name: 'other', placement }),
    ]);
    for (let round = 0; round < 3; round++) {
      const error = await runRejection(
        hanging.run({ x: matrix(1500) }, { timeoutMs: 100, cancellation: 'node' }),
      );
      expect(['DEVICE_LOST', 'DEADLINE_EXCEEDED']).toContain(error.code);
      await Promise.all(Array.from({ length: 20 }, () => expectCorrect(other)));
    }
    const { bytes, streams } = engine.stats();
    expect(bytes.live).toBe(0);
    expect(streams.some(({ replaced }) => replaced > 0)).toBe(true);
  });
});
