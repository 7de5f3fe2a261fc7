/** Objects of a special kind where a record belongs: nobody would find in them what the caller meant. */
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../runtime/create-engine.js';
import { deviceChecks } from '../runtime/device-testing.js';
import type { Engine } from '../runtime/engine.js';
import type { Executable } from '../runtime/executable.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import { trace } from '../runtime/trace.js';
import { type CurfewError, quote } from '../scheduler/errors.js';
import type { Graph } from '../scheduler/graph.js';
import type { TensorSpec } from '../scheduler/tensor.js';
import { rejection } from './support/catch-error.js';
import * as timeoutOptions from './support/timeout-options.js';
import { UNINSPECTABLE } from './support/uninspectable.mjs';

const SPEC: TensorSpec = { dtype: 'float32', shape: [2] };
const feeds = () => ({ x: new Float32Array(2) });

const hostile = (trap: object) => new Proxy({}, trap);
const refuse = () => {
  throw new Error('hands off');
};

/** Objects without a single property of their own that could be listed. */
const SPECIAL: Readonly<Record<string, () => object>> = {
  'a Map': () => new Map([['streams', 2]]),
  'a Map of another realm': () => runInNewContext('new Map([["streams", 2]])') as object,
  'a Date': () => new Date(0),
  'a promise of options': () => Promise.resolve({ streams: 2 }),
  'an AbortController': () => new AbortController(),
  'a typed array': () => new Float32Array(0),
  'an array': () => [],
  'an array of another realm': () => runInNewContext('[]') as object,
  'a proxy that refuses everything': UNINSPECTABLE['a proxy that refuses everything'] as () => object,
  'a revoked proxy': UNINSPECTABLE['a revoked proxy'] as () => object,
  'an object whose tag throws': () => ({
    get [Symbol.toStringTag]() {
      return refuse();
    },
  }),
  'an object whose keys throw': () => hostile({ ownKeys: refuse }),
};

let engine: Engine;
let executable: Executable;
const graph: Graph = (() => {
  const builder = new GraphBuilder();
  builder.output('y', builder.kernel('Neg', { x: builder.input('x', SPEC) }));
  return builder.build();
})();
beforeAll(async () => {
  engine = await createEngine();
  executable = await engine.compile(graph);
});
afterAll(() => engine.close());

/** The error of a call that throws at once or rejects. */
const failureOf = (act: () => unknown): Promise<CurfewError> => rejection(Promise.resolve().then(act));

/** Every call that takes options, and records inside them. */
const OPTIONS: Readonly<Record<string, (options: never) => unknown>> = {
  'run()': (options) => executable.run(feeds(), options),
  'compile()': (options) => engine.compile(graph, options),
  'createEngine()': (options) => createEngine(options),
  'createEngine({ device })': (device) => createEngine({ device }),
  'createEngine({ virtual })': (virtual) => createEngine({ device: 'virtual', virtual }),
  'a profile': (profile) => createEngine({ device: 'virtual', virtual: { profile } }),
  'close()': (options) => engine.close(options),
  'startTimeline()': (options) => engine.startTimeline(options),
  'kernel()': (options) => new GraphBuilder().kernel('Neg', {}, {}, options),
  'graph()': (options) => new GraphBuilder().graph(graph, { x: 'x' }, options),
  'deviceChecks()': (options) => deviceChecks(() => refuse(), options),
};

const RECORDS: Readonly<Record<string, readonly [code: string, (record: never) => unknown]>> = {
  'feeds of run()': ['INVALID_FEED', (record) => executable.run(record)],
  'inputs of trace()': ['INVALID_GRAPH', (record) => trace(() => refuse(), record)],
  'inputs of kernel()': ['INVALID_GRAPH', (record) => new GraphBuilder().kernel('Neg', record)],
  'outputs of host()': [
    'INVALID_GRAPH',
    (outputs) => new GraphBuilder().host('h', { outputs, run: () => ({}) }),
  ],
};

describe.each(Object.entries(SPECIAL))('%s', (_what, make) => {
  it.each(Object.entries(OPTIONS))('is refused as options: %s', async (_call, act) => {
    const error = await failureOf(() => act(make() as never));
    expect(error.code).toBe('INVALID_OPTION');
    expect(error.message).toMatch(/: expected an object with options \(.*\), received \S/);
  });

  it.each(Object.entries(RECORDS))('is refused as %s', async (_call, [code, act]) => {
    const value = make();
    const error = await failureOf(() => act(value as never));
    expect(error.code).toBe(code);
    expect(error.message).toContain(`received ${quote(value)}`);
  });
});

describe('an AbortSignal as options', () => {
  it.each([
    ['of run()', () => executable.run(feeds(), new AbortController().signal as never)],
    ['that is aborted', () => executable.run(feeds(), AbortSignal.abort() as never)],
  ])('%s is refused with what to pass', async (_what, act) => {
    const error = await failureOf(act);
    expect(error.code).toBe('INVALID_OPTION');
    expect(error.message).toBe(
      'options of run: expected { signal }, received an AbortSignal: pass { signal }',
    );
  });

  it('where there is no signal to pass is refused like any other object', async () => {
    const error = await failureOf(() => engine.compile(graph, AbortSignal.abort() as never));
    expect(error.message).toContain('received an object of class AbortSignal');
  });
});

describe('options', () => {
  class Settings {
    timeoutMs = 5000;
  }
  it.each<[string, object]>([
    ['another realm', runInNewContext('({ timeoutMs: 5000 })') as object],
    ['a class of the caller', new Settings()],
    ['no prototype', Object.assign(Object.create(null), { timeoutMs: 5000 })],
    ['a proxy', new Proxy({ timeoutMs: 5000 }, {})],
    ['a module', timeoutOptions],
  ])('of %s are taken', async (_what, options) => {
    const { report } = await executable.run(feeds(), options);
    expect(report.timeoutMs).toBe(5000);
  });
});
