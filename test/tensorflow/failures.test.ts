/** What happens when TensorFlow is not there, lacks a kernel, or refuses to execute one. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createEngine, GraphBuilder } from '../../runtime/index.js';
import { rejection, runRejection } from '../support/catch-error.js';
import { startEngine } from '../support/engines.js';

const X = { dtype: 'float32', shape: [2, 2] } as const;
const FEEDS = { x: Float32Array.of(1, 2, 3, 4) };

describe('before the set-up', () => {
  afterEach(() => vi.unstubAllEnvs());

  it.each([
    ['naming the command', 'CURFEW_CACHE', 'npx curfew setup tensorflow'],
    [
      'naming the variable that names another folder',
      'CURFEW_TENSORFLOW_DIR',
      'CURFEW_TENSORFLOW_DIR, "/nowhere"',
    ],
  ])('createEngine() rejects, %s', async (_what, variable, words) => {
    vi.stubEnv('CURFEW_TENSORFLOW_DIR', '');
    vi.stubEnv(variable, '/nowhere');
    const error = await rejection(createEngine({ device: 'tensorflow' }));
    expect(error).toMatchObject({ code: 'DEVICE_UNAVAILABLE' });
    expect(error.message).toContain(words);
  });
});

describe('without a temporary folder', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('a graph compiles without chunks only, and the error says so', async () => {
    vi.stubEnv('TMPDIR', '/nowhere');
    const engine = await startEngine({ device: 'tensorflow' });
    const builder = new GraphBuilder();
    builder.output('y', builder.kernel('Neg', { x: builder.input('x', X) }));
    const graph = builder.build();
    const error = await rejection(engine.compile(graph));
    expect(error.code).toBe('KERNEL_FAILED');
    expect(error.message).toMatch(/temporary folder.*TMPDIR.*chunks: false.*ENOENT/);
    const executable = await engine.compile(graph, { chunks: false });
    expect((await executable.run(FEEDS)).report.outcome).toBe('completed');
  });
});

describe('options', () => {
  it.each([
    [{ device: 'tensorflow', threads: 2 }, 'UNSUPPORTED_OPTION', 'TF_NUM_INTRAOP_THREADS'],
    [{ device: 'tensorflow', tensorflow: { queueing: 1 } }, 'INVALID_OPTION', 'tensorflow.queueing'],
    [{ device: 'tensorflow', tensorflow: { fences: 'all' } }, 'INVALID_OPTION', 'queueing'],
    [{ device: 'wasm', tensorflow: {} }, 'INVALID_OPTION', "device is 'tensorflow'"],
  ])('%o are refused', async (options, code, words) => {
    const error = await rejection(createEngine(options as Parameters<typeof createEngine>[0]));
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(words);
  });
});

describe('a node', () => {
  it('that TensorFlow lacks runs on the cpu kernels, by name', async () => {
    const engine = await startEngine({ device: 'tensorflow' });
    const builder = new GraphBuilder();
    const image = builder.input('image', { dtype: 'float32', shape: [1, 2, 2, 3] });
    const attributes = { radians: 0, fillValue: 0, center: 0.5 };
    builder.output('y', builder.kernel('RotateWithOffset', { image }, attributes, { name: 'turn' }));
    const executable = await engine.compile(builder.build());
    expect(executable.fallbacks).toEqual([{ node: 'turn', op: 'RotateWithOffset', device: 'cpu' }]);
    const data = Float32Array.from({ length: 12 }, (_, index) => index);
    const { outputs } = await executable.run({ image: data });
    expect([...outputs['y']!.data]).toEqual([...data]);
  });

  it.each([false, true])('with an index out of range fails by name, queueing: %s', async (queueing) => {
    const engine = await startEngine({ device: 'tensorflow', tensorflow: { queueing } });
    const builder = new GraphBuilder();
    const x = builder.input('x', X);
    const indices = builder.input('indices', { dtype: 'int32', shape: [1] });
    builder.output('y', builder.kernel('GatherV2', { x, indices }, { axis: 0 }, { name: 'pick' }));
    const executable = await engine.compile(builder.build());
    const error = await runRejection(executable.run({ ...FEEDS, indices: Int32Array.of(2) }));
    expect(error).toMatchObject({ code: 'KERNEL_FAILED', node: 'pick' });
    const { outputs } = await executable.run({ ...FEEDS, indices: Int32Array.of(1) });
    expect([...outputs['y']!.data]).toEqual([3, 4]);
    expect(engine.stats().bytes.live).toBe(0);
  });
});
