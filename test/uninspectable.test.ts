import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../runtime/create-engine.js';
import type { Engine } from '../runtime/engine.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import { CurfewError, curfewError, quote, toErrorRecord } from '../scheduler/errors.js';
import type { Graph, HostFunction } from '../scheduler/graph.js';
import { messageOf } from '../scheduler/quote.js';
import type { TensorSpec } from '../scheduler/tensor.js';
import { rejection, runRejection } from './support/catch-error.js';
import { startEngine } from './support/engines.js';
import { UNINSPECTABLE } from './support/uninspectable.mjs';

const SPEC: TensorSpec = { dtype: 'float32', shape: [2] };
const VALUES = Object.entries(UNINSPECTABLE) as readonly [string, () => unknown][];
const module = new URL('./support/devices/awkward.mjs', import.meta.url);

function hostGraph(run: HostFunction): Graph {
  const builder = new GraphBuilder();
  builder.output('y', builder.host('host', { outputs: { y: SPEC }, run }).y);
  return builder.build();
}

function negation(name: string): Graph {
  const builder = new GraphBuilder();
  builder.output('y', builder.kernel('Neg', { x: builder.input('x', SPEC) }, {}, { name }));
  return builder.build();
}

describe.each(VALUES)('%s', (_what, make) => {
  it('is quoted in a few words, alone, in a list and as an error', () => {
    for (const text of [quote(make()), quote([make()]), messageOf(make())]) {
      expect(text).toMatch(/^.{1,100}$/);
    }
  });

  it('is no Curfew error, or one that may be sent to another thread', () => {
    const record = toErrorRecord(make(), 'KERNEL_FAILED', 'n');
    expect(structuredClone(record)).toMatchObject({ code: 'KERNEL_FAILED', node: 'n' });
    expect(make() instanceof CurfewError).toBe(_what === 'an error made of functions');
  });
});

describe('an error of a code that the table lacks', () => {
  it('is made all the same, and crosses a thread with the fallback', () => {
    const error = curfewError('MADE_UP' as 'INTERNAL', 'm');
    expect(error).toBeInstanceOf(CurfewError);
    expect(toErrorRecord(error, 'KERNEL_FAILED')).toMatchObject({ code: 'KERNEL_FAILED', message: 'm' });
  });
});

describe('a host node', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.close());

  async function failureOf(run: HostFunction) {
    const executable = await engine.compile(hostGraph(run));
    const error = await runRejection(executable.run({}));
    executable.dispose();
    expect(error).toMatchObject({ code: 'HOST_NODE_FAILED', node: 'host' });
    const { runs, bytes } = engine.stats();
    expect([runs.inFlight, bytes.live]).toEqual([0, 0]);
    return error;
  }

  it.each(VALUES)('that throws, returns or holds %s fails its run and nothing else', async (_what, make) => {
    await failureOf(() => {
      throw make();
    });
    await failureOf(() => Promise.reject(make()));
    await failureOf(() => make() as never);
    await failureOf(() => ({ y: make() }) as never);
    await failureOf(() => ({ y: { ...SPEC, data: make() } }) as never);
    await failureOf(() => ({ y: { ...SPEC, shape: make() } }) as never);
  });

  it.each(VALUES)('that throws %s after an abort has failed, not stopped', async (_what, make) => {
    const controller = new AbortController();
    const graph = hostGraph(() => {
      controller.abort('enough');
      throw make();
    });
    const executable = await engine.compile(graph);
    const error = await runRejection(executable.run({}, { signal: controller.signal }));
    expect(error.code).toBe('HOST_NODE_FAILED');
  });
});

describe('a host node that throws what claims to be a Curfew error and answers nothing else', () => {
  it.each([false, true])('fails its run: HOST_NODE_FAILED (as a rejection: %s)', async (later) => {
    const engine = await startEngine();
    const claim = Symbol.for('curfew.error');
    const thrown = new Proxy(new Error(), {
      get: (_, key) => {
        if (key === claim) return true;
        throw new Error('hands off');
      },
    });
    const executable = await engine.compile(
      hostGraph(() => {
        if (later) return Promise.reject(thrown);
        throw thrown;
      }),
    );
    expect(await runRejection(executable.run({}))).toMatchObject({ code: 'HOST_NODE_FAILED', node: 'host' });
    expect(engine.stats().runs.inFlight).toBe(0);
  });

  it('fails its run also when it claims to be out of memory', async () => {
    const engine = await startEngine();
    const thrown = {
      [Symbol.for('curfew.error')]: true,
      code: 'OUT_OF_MEMORY',
      node: 'host',
      get message() {
        throw new Error('hands off');
      },
    };
    const executable = await engine.compile(hostGraph(() => Promise.reject(thrown)));
    const error = await runRejection(executable.run({}));
    expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', node: 'host', report: { outcome: 'failed' } });
  });
});

describe('a device module', () => {
  const thrown = ['an unknown code', ...Object.keys(UNINSPECTABLE)];
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ device: { module } });
  });
  afterAll(() => engine.close());

  it.each(['an unknown code', 'a proxy that refuses everything', 'an error made of functions'])(
    'that throws %s on creation is unavailable',
    async (what) => {
      const error = await rejection(startEngine({ device: { module, options: what } }));
      expect(error.code).toBe('DEVICE_UNAVAILABLE');
    },
  );

  it.each(thrown)('whose prepare() throws %s refuses the graph', async (what) => {
    const error = await rejection(engine.compile(negation(`prepare: ${what}`)));
    expect(error.code).toBe('KERNEL_FAILED');
  });

  it.each(thrown)('whose kernel throws %s fails the run and keeps its stream', async (what) => {
    const node = `run: ${what}`;
    const executable = await engine.compile(negation(node));
    const error = await runRejection(executable.run({ x: new Float32Array(2) }));
    expect(error).toMatchObject({ code: 'KERNEL_FAILED', node });
    expect(engine.stats().streams[0]!.replaced).toBe(0);
  });
});
