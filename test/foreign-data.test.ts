import '@tensorflow/tfjs-backend-cpu';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../runtime/engine.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import type { Tensor, TensorSpec } from '../scheduler/tensor.js';
import { rejection, runRejection } from './support/catch-error.js';
import { startEngine } from './support/engines.js';
import { Puppet } from './support/puppet.js';

const FLOATS: TensorSpec = { dtype: 'float32', shape: [2] };
const BYTES: TensorSpec = { dtype: 'bool', shape: [2] };

/** A value made by another realm, as Jest and `node:vm` make them. */
function foreign<T>(expression: string): T {
  return runInNewContext(expression) as T;
}

/** An engine with a graph that passes a feed on, passes it through a host node, and negates it where it is a number. */
async function compilePassing(spec: TensorSpec, through: (data: never) => unknown = (data) => data) {
  const engine = await startEngine();
  const builder = new GraphBuilder();
  const x = builder.input('x', spec);
  const { hosted } = builder.host('host', {
    inputs: { x },
    outputs: { hosted: spec },
    run: ({ x }) => ({ hosted: through(x!.data as never) as Float32Array }),
  });
  builder.output('same', x);
  builder.output('hosted', hosted);
  builder.output('reshaped', builder.kernel('Reshape', { x: hosted }, { shape: [2, 1] }));
  return { engine, executable: await engine.compile(builder.build()) };
}

describe('typed arrays of another realm', () => {
  it.each([
    ['Float32Array', 'float32'],
    ['Int32Array', 'int32'],
    ['Uint8Array', 'bool'],
  ] as const)('are fed, copied and transferred: %s', async (name, dtype) => {
    const local = { Float32Array, Int32Array, Uint8Array }[name];
    const { executable } = await compilePassing({ dtype, shape: [2] }, () => foreign(`${name}.of(0, 1)`));
    const data = foreign<Float32Array>(`${name}.of(1, 0)`);
    expect(data).not.toBeInstanceOf(local);
    for (const feed of [data, { dtype, shape: foreign<number[]>('[2]'), data } satisfies Tensor]) {
      const { outputs } = await executable.run({ x: feed });
      expect(outputs['same']!.data).toEqual(local.of(1, 0));
      expect(outputs['same']!.data.buffer).not.toBe(data.buffer);
      expect(outputs['hosted']!.data).toEqual(local.of(0, 1));
      expect(outputs['reshaped']!.data).toEqual(local.of(0, 1));
    }
  });

  it('are still refused where another class is expected', async () => {
    const { executable } = await compilePassing(FLOATS);
    const feed = foreign<Float32Array>('Float64Array.of(1, 2)');
    const error = await rejection(executable.run({ x: feed }));
    expect(error).toMatchObject({ code: 'INVALID_FEED', expected: 'Float32Array' });
    expect(error.message).toContain('received Float64Array of 16 bytes');
  });

  it('are constants and attributes like others', async () => {
    const builder = new GraphBuilder();
    const x = builder.constant('x', { ...FLOATS, data: foreign('Float32Array.of(1, 2)') });
    const attributes = foreign<Record<string, unknown>>('({ shape: Int32Array.of(2, 1) })');
    builder.output('y', builder.kernel('Reshape', { x }, attributes));
    const executable = await (await startEngine()).compile(builder.build());
    const { outputs } = await executable.run({});
    expect(outputs['y']).toEqual({ dtype: 'float32', shape: [2, 1], data: Float32Array.of(1, 2) });
  });
});

describe('arrays whose class slices or measures in its own way', () => {
  class Shared extends Float32Array {
    override slice(): this {
      return this;
    }
    override get length(): number {
      return 7;
    }
  }

  it('are fed by what they hold: a Buffer shares nothing with what comes back', async () => {
    const { executable } = await compilePassing(BYTES, (data: Uint8Array) => Buffer.from(data));
    const feed = Buffer.from([9, 1, 0, 9]).subarray(1, 3);
    const { outputs } = await executable.run({ x: feed });
    for (const { data } of Object.values(outputs)) {
      expect(Object.getPrototypeOf(data)).toBe(Uint8Array.prototype);
      expect([...data]).toEqual([1, 0]);
      data.fill(7);
    }
    expect([...feed]).toEqual([1, 0]);
  });

  it('are fed by what they hold: a subclass is asked nothing', async () => {
    const { executable } = await compilePassing(FLOATS);
    const feed = new Shared([1, 2]);
    const { outputs } = await executable.run({ x: feed });
    outputs['same']!.data.fill(7);
    expect(outputs['hosted']!.data).toEqual(Float32Array.of(1, 2));
    expect(feed[0]).toBe(1);
  });

  it.each([
    ['a Buffer', () => Buffer.from([1, 0])],
    ['part of a larger buffer', () => new Uint8Array([9, 1, 0, 9]).subarray(1, 3)],
    ['an array as plain as can be', () => Uint8Array.of(1, 0)],
  ])('are constants that nobody can overwrite: %s', async (_, make) => {
    const data = make();
    const builder = new GraphBuilder();
    const x = builder.constant('x', { ...BYTES, data });
    const { hosted } = builder.host('host', {
      inputs: { x },
      outputs: { hosted: BYTES },
      run: ({ x }) => ({ hosted: x!.data }),
    });
    builder.output('same', x);
    builder.output('hosted', hosted);
    builder.output('not', builder.kernel('LogicalNot', { x }));
    data.fill(0);
    const executable = await (await startEngine()).compile(builder.build());
    for (let run = 0; run < 2; run++) {
      const { outputs } = await executable.run({});
      expect(Object.values(outputs).map(({ data }) => [...data])).toEqual([
        [1, 0],
        [1, 0],
        [0, 1],
      ]);
      for (const output of Object.values(outputs)) output.data.fill(9);
      data.fill(run);
    }
  });
});

/** A signal that no realm's `AbortSignal` made. */
class ForeignSignal extends EventTarget {
  aborted = false;
  reason: unknown;
  listeners = 0;
  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    this.listeners++;
    super.addEventListener(...args);
  }
  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>): void {
    this.listeners--;
    super.removeEventListener(...args);
  }
  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    this.dispatchEvent(new Event('abort'));
  }
}

/** A URL object of another implementation. */
function foreignUrl(href: string): URL {
  return { href, [Symbol.toStringTag]: 'URL' } as unknown as URL;
}

describe('platform objects of another realm', () => {
  it('abort a run: AbortSignal', async () => {
    const signal = new ForeignSignal();
    const { executable } = await compilePassing(FLOATS, (data) => {
      signal.abort('enough');
      return data;
    });
    const run = executable.run({ x: Float32Array.of(1, 2) }, { signal: signal as unknown as AbortSignal });
    expect(await runRejection(run)).toMatchObject({ code: 'ABORTED', cause: 'enough' });
    expect(signal.listeners).toBe(0);
  });

  it('name a device module and carry its options: URL and plain objects', async () => {
    const { device } = new Puppet();
    if (typeof device !== 'object') throw new Error('the puppet is a device module');
    const options = foreign<(strings: unknown) => object>('(device) => ({ ...device })')(
      device.options as object,
    );
    const engine: Engine = await startEngine({
      device: { module: foreignUrl(device.module.href), options },
    });
    expect(engine.device).toBe('puppet.mjs');
  });

  it.each([
    ['device.module', { device: { module: foreignUrl('not a URL') } }],
    ['device.module', { device: { module: { href: 'file:///x' } } }],
  ])('are refused when they are none: %s', async (option, options) => {
    const error = await rejection(startEngine(options as never));
    expect(error.code).toBe('INVALID_OPTION');
    expect(error.message).toContain(option);
  });
});

describe('a TensorFlow.js tensor', () => {
  const ADVICE = 'received a tf.Tensor; pass { dtype, shape, data: await tensor.data() }';

  it('is refused as a feed, with what to pass instead', async () => {
    const { executable } = await compilePassing(FLOATS);
    const tensor = tf.tensor1d([1, 2]);
    const feed = tensor as unknown as Tensor;
    const error = await rejection(executable.run({ x: feed }));
    expect(error.code).toBe('INVALID_FEED');
    expect(error.message).toContain(ADVICE);
    const { dtype, shape } = tensor;
    const data = (await tensor.data()) as Float32Array;
    expect((await executable.run({ x: { dtype: dtype as 'float32', shape, data } })).report.outcome).toBe(
      'completed',
    );
    tensor.dispose();
    expect((await rejection(executable.run({ x: feed }))).message).toContain('a tf.Tensor that is disposed');
  });

  it('is refused as the result of a host node and as a constant, too', async () => {
    const tensor = tf.tensor1d([1, 2]);
    const { executable } = await compilePassing(FLOATS, () => tensor);
    const error = await runRejection(executable.run({ x: Float32Array.of(1, 2) }));
    expect(error.code).toBe('HOST_NODE_FAILED');
    expect(error.message).toContain(ADVICE);
    const builder = new GraphBuilder();
    expect(() => builder.constant('c', tensor as unknown as Tensor)).toThrow(ADVICE);
    tensor.dispose();
  });
});
