import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../runtime/create-engine.js';
import type { Engine } from '../runtime/engine.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import { until } from './support/until.js';

const SPEC = { dtype: 'float32', shape: [2] } as const;

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.close());

/** Every way a value can leave a graph, some of them twice. `last` waits for a host node that `onWait` holds up. */
function everyOutput(run: (data: Float32Array) => Float32Array, onWait: () => Promise<void>) {
  const builder = new GraphBuilder();
  const x = builder.input('x', SPEC);
  const constant = builder.constant('constant', { ...SPEC, data: Float32Array.of(5, 6) });
  const host = builder.host('host', {
    inputs: { x },
    outputs: { y: SPEC },
    run: ({ x }) => ({ y: run(x!.data as Float32Array) }),
  });
  const kernel = builder.kernel('Add', { a: host.y, b: constant });
  const values = { fed: x, constant, hosted: host.y, kernel };
  for (const [name, value] of Object.entries(values)) {
    builder.output(name, value);
    builder.output(`${name} again`, value);
  }
  const wait = builder.host('wait', {
    inputs: { first: host.y },
    outputs: { y: SPEC },
    run: async ({ first }) => {
      await onWait();
      return { y: first! };
    },
  });
  builder.output('last', builder.kernel('Add', { a: wait.y, b: host.y }));
  return builder.build();
}

describe('what a run puts out', () => {
  it('belongs to the caller alone: feeds, constants, values of host nodes and of kernels, also under two names', async () => {
    const graph = everyOutput(
      (data) => data,
      () => Promise.resolve(),
    );
    const executable = await engine.compile(graph);
    const feed = Float32Array.of(1, 2);
    const first = await executable.run({ x: feed });
    const buffers = Object.values(first.outputs).map(({ data }) => data.buffer);
    expect(new Set([...buffers, feed.buffer]).size).toBe(buffers.length + 1);
    const expected = Object.entries(first.outputs).map(([name, { data }]) => [name, [...data]] as const);
    for (const { data } of Object.values(first.outputs)) data.fill(99);
    expect([...feed]).toEqual([1, 2]);
    const second = await executable.run({ x: feed });
    for (const [name, data] of expected)
      expect([name, [...second.outputs[name]!.data]]).toEqual([name, data]);
  });
});

describe('what a host node returns', () => {
  it('is copied when it returns: the node may go on to use its buffer', async () => {
    const own = new Float32Array(2);
    let returned = false;
    const executable = await engine.compile(
      everyOutput(
        (data) => {
          own.set(data);
          returned = true;
          return own;
        },
        async () => {
          await until(() => returned, 'the first host node has returned');
          own.fill(99);
        },
      ),
    );
    const { outputs } = await executable.run({ x: Float32Array.of(1, 2) });
    expect(['hosted', 'kernel', 'last'].map((name) => [...outputs[name]!.data])).toEqual([
      [1, 2],
      [6, 8],
      [2, 4],
    ]);
  });
});

describe('what a host node gets', () => {
  it('is its own: overwriting it changes nothing for others', async () => {
    const executable = await engine.compile(
      everyOutput(
        (data) => {
          const copy = data.slice();
          data.fill(99);
          return copy;
        },
        () => Promise.resolve(),
      ),
    );
    const feed = Float32Array.of(1, 2);
    for (let run = 0; run < 2; run++) {
      const { outputs } = await executable.run({ x: feed });
      expect([...outputs['fed']!.data, ...outputs['last']!.data]).toEqual([1, 2, 2, 4]);
    }
    expect([...feed]).toEqual([1, 2]);
  });
});
