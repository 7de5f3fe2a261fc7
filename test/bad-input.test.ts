import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEngine } from '../runtime/create-engine.js';
import type { Engine } from '../runtime/engine.js';
import type { Executable } from '../runtime/executable.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import type { EngineOptions, RunOptions } from '../runtime/options.js';
import { createGraph } from '../scheduler/check.js';
import { ERROR_CODES, type ErrorCode } from '../scheduler/errors.js';
import type { Graph, GraphDefinition, HostFunction } from '../scheduler/graph.js';
import type { Tensor, TensorData, TensorSpec } from '../scheduler/tensor.js';
import { rejection } from './support/catch-error.js';

const SPEC: TensorSpec = { dtype: 'float32', shape: [2, 3] };
const DATA = new Float32Array(6);
const X: Tensor = { ...SPEC, data: DATA };

/** What a caller may hand over by mistake: anything. */
type Wrong = never;
const wrong = (value: unknown): Wrong => value as Wrong;

let engine: Engine;
let executable: Executable;
let disposed: Executable;
let engineOfBusy: Engine;
let busy: Executable;
let afterClose: { engine: Engine; executable: Executable };

function negation(): Graph {
  const builder = new GraphBuilder();
  builder.output('y', builder.kernel('Neg', { x: builder.input('x', SPEC) }));
  return builder.build();
}

beforeAll(async () => {
  engine = await createEngine({ streams: 2 });
  executable = await engine.compile(negation(), { name: 'negation' });
  disposed = await engine.compile(negation(), { name: 'disposed' });
  disposed.dispose();
  engineOfBusy = await createEngine({ runsInFlight: 1, queueLimit: 0 });
  busy = await engineOfBusy.compile(negation());
  const other = await createEngine();
  afterClose = { engine: other, executable: await other.compile(negation(), { name: 'closed' }) };
  await other.close();
});
afterAll(() => Promise.all([engine.close(), engineOfBusy.close()]));

const feed = (x: unknown) => executable.run({ x: wrong(x) });
const withOptions = (options: Record<string, unknown>) =>
  executable.run({ x: X }, wrong(options) as RunOptions);
const start = (options: Record<string, unknown>) => createEngine(wrong(options) as EngineOptions);
const compileWith = (options: unknown) => engine.compile(negation(), wrong(options));
const build = (action: (builder: GraphBuilder) => void) => {
  const builder = new GraphBuilder();
  builder.input('x', SPEC);
  action(builder);
  return builder.build();
};
const define = (definition: unknown) => createGraph(definition as GraphDefinition);
const relu = (name: string, x: string) => ({
  kind: 'kernel',
  name,
  op: 'Relu',
  inputs: { x },
  attributes: {},
  outputs: [SPEC],
  cost: { operations: 0, bytes: 0 },
});

/** A mistake, the code it gets, and what the message must quote: what was expected, and what came. */
type Mistake = readonly [
  what: string,
  code: ErrorCode,
  expected: string,
  received: string,
  act: () => unknown,
];

const FEEDS: readonly Mistake[] = [
  ['another dtype', 'INVALID_FEED', 'dtype float32', '"int32"', () => feed({ ...X, dtype: 'int32' })],
  ['an unknown dtype', 'INVALID_FEED', 'dtype float32', '"float64"', () => feed({ ...X, dtype: 'float64' })],
  ['another shape', 'INVALID_FEED', 'shape [2, 3]', '[3, 2]', () => feed({ ...X, shape: [3, 2] })],
  [
    'a negative dimension',
    'INVALID_FEED',
    'integer of 0 or more',
    '-3',
    () => feed({ ...X, shape: [2, -3] }),
  ],
  ['a fractional dimension', 'INVALID_FEED', 'integer', '2.5', () => feed({ ...X, shape: [2.5, 3] })],
  ['a shape that is no array', 'INVALID_FEED', 'a shape', '"2,3"', () => feed({ ...X, shape: '2,3' })],
  ['a rank beyond 6', 'LIMIT_EXCEEDED', 'rank 6', 'rank 7', () => feed({ ...X, shape: Array(7).fill(1) })],
  ['too few elements', 'INVALID_FEED', '6 elements', '5', () => feed({ ...X, data: new Float32Array(5) })],
  ['too few elements, bare', 'INVALID_FEED', '6 elements', '7', () => feed(new Float32Array(7))],
  ['the wrong container', 'INVALID_FEED', 'Float32Array', 'Float64Array', () => feed(new Float64Array(6))],
  ['an array for data', 'INVALID_FEED', 'Float32Array', '[1, 2]', () => feed({ ...X, data: [1, 2] })],
  ['a promise', 'INVALID_FEED', 'float32[2,3]', 'promise: await it', () => feed(Promise.resolve(DATA))],
  [
    'a promise of data',
    'INVALID_FEED',
    'float32[2,3]',
    'promise: await it',
    () => feed({ ...X, data: Promise.resolve(DATA) }),
  ],
  [
    'a buffer',
    'INVALID_FEED',
    'a Float32Array',
    'an ArrayBuffer: pass new Float32Array(buffer)',
    () => feed(DATA.buffer),
  ],
  [
    'the buffer of its data',
    'INVALID_FEED',
    'a Float32Array',
    'an ArrayBuffer: pass new Float32Array(buffer)',
    () => feed({ ...X, data: DATA.buffer }),
  ],
  [
    'a tf.Tensor for all feeds',
    'INVALID_FEED',
    'an object with the feeds "x"',
    'a tf.Tensor',
    () => executable.run(wrong(tf.zeros([2, 3]))),
  ],
  ['a number', 'INVALID_FEED', 'a tensor { dtype, shape, data }', '5', () => feed(5)],
  ['null', 'INVALID_FEED', 'a tensor { dtype, shape, data }', 'null', () => feed(null)],
  [
    'no feeds at all',
    'INVALID_FEED',
    'an object with the feeds "x"',
    'undefined',
    () => executable.run(wrong(undefined)),
  ],
  [
    'an array of feeds',
    'INVALID_FEED',
    'an object with the feeds "x"',
    '[',
    () => executable.run(wrong([X])),
  ],
  ['a missing feed', 'INVALID_FEED', 'float32[2,3]', 'nothing', () => executable.run({})],
  [
    'a feed that is inherited only',
    'INVALID_FEED',
    'float32[2,3]',
    'nothing',
    () => executable.run(Object.create({ x: X }) as Record<string, Tensor>),
  ],
  ['an unknown feed', 'INVALID_FEED', 'only the feeds "x"', '"z"', () => executable.run({ x: X, z: X })],
  [
    'a feed named __proto__',
    'INVALID_FEED',
    'only the feeds "x"',
    '"__proto__"',
    () => executable.run(JSON.parse('{ "x": 1, "__proto__": 2 }') as Record<string, TensorData>),
  ],
  [
    'a feed named constructor',
    'INVALID_FEED',
    'only the feeds "x"',
    '"constructor"',
    () => executable.run({ x: X, constructor: X }),
  ],
];

const RUN_OPTIONS: readonly Mistake[] = [
  [
    'a timeout of NaN',
    'INVALID_OPTION',
    'milliseconds from 0',
    'NaN',
    () => withOptions({ timeoutMs: Number.NaN }),
  ],
  ['a negative timeout', 'INVALID_OPTION', 'milliseconds from 0', '-1', () => withOptions({ timeoutMs: -1 })],
  [
    'an infinite timeout',
    'INVALID_OPTION',
    '2147483647',
    'Infinity',
    () => withOptions({ timeoutMs: Number.POSITIVE_INFINITY }),
  ],
  ['a timeout in words', 'INVALID_OPTION', 'a number', '"1s"', () => withOptions({ timeoutMs: '1s' })],
  [
    'a signal that is none',
    'INVALID_OPTION',
    'an AbortSignal',
    'AbortController',
    () => withOptions({ signal: new AbortController() }),
  ],
  [
    'an unknown mode',
    'INVALID_OPTION',
    "cancellation: expected 'none', 'node' or { precisionMs",
    '"often"',
    () => withOptions({ cancellation: 'often' }),
  ],
  [
    'a precision of 0',
    'INVALID_OPTION',
    'number above 0',
    '{ precisionMs: 0 }',
    () => withOptions({ cancellation: { precisionMs: 0 } }),
  ],
  [
    'a precision of NaN',
    'INVALID_OPTION',
    'number above 0',
    'NaN',
    () => withOptions({ cancellation: { precisionMs: Number.NaN } }),
  ],
  [
    'a misspelt precision',
    'INVALID_OPTION',
    'cancellation: expected only the options precisionMs',
    '"precision"',
    () => withOptions({ cancellation: { precision: 5 } }),
  ],
  [
    'a precision in a Map',
    'INVALID_OPTION',
    'cancellation: expected an object with options (precisionMs)',
    'Map',
    () => withOptions({ cancellation: new Map() }),
  ],
  [
    'preemption',
    'UNSUPPORTED_OPTION',
    "'none', 'node' or { precisionMs }",
    "'preempt'",
    () => withOptions({ cancellation: 'preempt' }),
  ],
  [
    'another way to miss a deadline',
    'INVALID_OPTION',
    "'reject' or 'partial'",
    '"ignore"',
    () => withOptions({ onDeadline: 'ignore' }),
  ],
  [
    'a priority of NaN',
    'INVALID_OPTION',
    'a finite number',
    'NaN',
    () => withOptions({ priority: Number.NaN }),
  ],
  ['a timeline that is no flag', 'INVALID_OPTION', 'true or false', '1', () => withOptions({ timeline: 1 })],
  [
    'an unknown option',
    'INVALID_OPTION',
    'only the options signal, timeoutMs',
    '"timeout"',
    () => withOptions({ timeout: 5 }),
  ],
  [
    'options that are no object',
    'INVALID_OPTION',
    'an object',
    '5',
    () => executable.run({ x: X }, wrong(5)),
  ],
];

const ENGINE_OPTIONS: readonly Mistake[] = [
  ['no streams', 'INVALID_OPTION', 'integer from 1 to 64', '0', () => start({ streams: 0 })],
  ['half a stream', 'INVALID_OPTION', 'integer from 1 to 64', '1.5', () => start({ streams: 1.5 })],
  ['too many streams', 'INVALID_OPTION', 'integer from 1 to 64', '65', () => start({ streams: 65 })],
  ['streams in words', 'INVALID_OPTION', 'integer from 1 to 64', '"2"', () => start({ streams: '2' })],
  ['no runs in flight', 'INVALID_OPTION', 'integer from 1 to 256', '0', () => start({ runsInFlight: 0 })],
  [
    'a queue limit of NaN',
    'INVALID_OPTION',
    'integer from 0',
    'NaN',
    () => start({ queueLimit: Number.NaN }),
  ],
  ['a negative memory limit', 'INVALID_OPTION', 'bytes above 0', '-1', () => start({ memoryLimitBytes: -1 })],
  ['an unknown device', 'INVALID_OPTION', "'wasm'", '"abacus"', () => start({ device: 'abacus' })],
  [
    'a module by path',
    'INVALID_OPTION',
    'a URL',
    '"./device.js"',
    () => start({ device: { module: './device.js' } }),
  ],
  [
    'options for a device module that no thread can be sent',
    'INVALID_OPTION',
    'device.options: expected plain data',
    'could not be cloned',
    () => start({ device: { module: new URL('file:///device.js'), options: { decide: () => 1 } } }),
  ],
  ['threads that wasm lacks', 'UNSUPPORTED_OPTION', '1', '2', () => start({ threads: 2 })],
  [
    'an unknown engine option',
    'INVALID_OPTION',
    'only the options device',
    '"stream"',
    () => start({ stream: 2 }),
  ],
];

const COMPILATIONS: readonly Mistake[] = [
  [
    'a forged graph',
    'INVALID_GRAPH',
    'a graph made by trace() or GraphBuilder',
    'an object',
    () => engine.compile({ ...negation() }),
  ],
  [
    'a builder',
    'INVALID_GRAPH',
    'a graph made by',
    'GraphBuilder',
    () => engine.compile(wrong(new GraphBuilder())),
  ],
  [
    'a stream that does not exist',
    'INVALID_PLACEMENT',
    'a stream from 0 to 1',
    '2',
    () => compileWith({ placement: () => 2 }),
  ],
  [
    'a negative stream',
    'INVALID_PLACEMENT',
    'a stream from 0 to 1',
    '-1',
    () => compileWith({ placement: () => -1 }),
  ],
  [
    'no stream',
    'INVALID_PLACEMENT',
    'a stream from 0 to 1',
    'undefined',
    () => compileWith({ placement: () => undefined }),
  ],
  [
    'an unknown placement',
    'INVALID_OPTION',
    "'single', 'automatic' or a function",
    '"random"',
    () => compileWith({ placement: 'random' }),
  ],
  ['an empty name', 'INVALID_OPTION', 'a non-empty string', '""', () => compileWith({ name: '' })],
  [
    'an unknown compile option',
    'INVALID_OPTION',
    'only the options name, placement, chunks, modes',
    '"streams"',
    () => compileWith({ streams: 1 }),
  ],
  ['chunks by number', 'INVALID_OPTION', 'a boolean', '4', () => compileWith({ chunks: 4 })],
  [
    'one mode that is no list',
    'INVALID_OPTION',
    'an array of cancellation modes',
    '"none"',
    () => compileWith({ modes: 'none' }),
  ],
  [
    'a mode that does not exist',
    'INVALID_OPTION',
    "modes: expected 'none', 'node' or { precisionMs: number above 0 }",
    '"never"',
    () => compileWith({ modes: ['node', 'never'] }),
  ],
  [
    'a mode that is not available',
    'UNSUPPORTED_OPTION',
    "modes: expected 'none', 'node' or { precisionMs }",
    "'preempt' is not available yet",
    () => compileWith({ modes: ['preempt'] }),
  ],
  [
    'undefined among the modes',
    'INVALID_OPTION',
    "'none', 'node' or { precisionMs }",
    'undefined',
    () => compileWith({ modes: [undefined] }),
  ],
  [
    'a hole among the modes',
    'INVALID_OPTION',
    "'none', 'node' or { precisionMs }",
    'undefined',
    () => compileWith({ modes: new Array(1) }),
  ],
  [
    'an op no device has',
    'UNSUPPORTED_OP',
    'wasm or cpu kernel',
    'Frobnicate',
    () =>
      engine.compile(
        build((builder) =>
          builder.output('y', builder.kernel('Frobnicate', { x: 'x' }, {}, { outputs: [SPEC] })),
        ),
      ),
  ],
];

const GRAPHS: readonly Mistake[] = [
  [
    'a cycle',
    'INVALID_GRAPH',
    'no cycle',
    '"a"',
    () => define({ nodes: [relu('a', 'b'), relu('b', 'a')], outputs: { y: 'a' } }),
  ],
  [
    'a node of itself',
    'INVALID_GRAPH',
    'no cycle',
    '"a"',
    () => define({ nodes: [relu('a', 'a')], outputs: { y: 'a' } }),
  ],
  [
    'a dangling input',
    'INVALID_GRAPH',
    'the name of a node',
    '"nowhere"',
    () => define({ nodes: [relu('a', 'nowhere')], outputs: { y: 'a' } }),
  ],
  [
    'a dangling output',
    'INVALID_GRAPH',
    'the name of a node',
    '"nowhere"',
    () => build((builder) => builder.output('y', 'nowhere')),
  ],
  [
    'an output index beyond the last',
    'INVALID_GRAPH',
    'below 1',
    '"x:1"',
    () => build((builder) => builder.output('y', 'x:1')),
  ],
  ['no output', 'INVALID_GRAPH', 'at least one output', 'none', () => build(() => undefined)],
  [
    'a name used twice',
    'INVALID_GRAPH',
    'a name not used before',
    '"x"',
    () => build((builder) => builder.input('x', SPEC)),
  ],
  [
    'an output name used twice',
    'INVALID_GRAPH',
    'a name not used before',
    '"y"',
    () => build((builder) => ['x', 'x'].map((value) => builder.output('y', value))),
  ],
  [
    '__proto__ as a node',
    'INVALID_GRAPH',
    'safe as a key',
    '__proto__',
    () => build((builder) => builder.input('__proto__', SPEC)),
  ],
  [
    '__proto__ as an output',
    'INVALID_GRAPH',
    'safe as a key',
    '__proto__',
    () => build((builder) => builder.output('__proto__', 'x')),
  ],
  [
    'an empty node name',
    'INVALID_GRAPH',
    'a non-empty name',
    '""',
    () => build((builder) => builder.input('', SPEC)),
  ],
  [
    'a name that is too long',
    'LIMIT_EXCEEDED',
    '1024 characters',
    '1025',
    () => build((builder) => builder.input('x'.repeat(1025), SPEC)),
  ],
  [
    'an unknown dtype',
    'INVALID_GRAPH',
    'dtype',
    '"float16"',
    () => build((builder) => builder.input('z', wrong({ ...SPEC, dtype: 'float16' }))),
  ],
  [
    'a constant of another length',
    'INVALID_GRAPH',
    '6 elements',
    '2',
    () => build((builder) => builder.constant('z', { ...SPEC, data: new Float32Array(2) })),
  ],
  [
    'a tensor beyond all memory',
    'LIMIT_EXCEEDED',
    '2147483647 elements',
    '[65536, 65536]',
    () => build((builder) => builder.input('z', { dtype: 'bool', shape: [65536, 65536] })),
  ],
  [
    'a host node without a function',
    'INVALID_GRAPH',
    'a function',
    '"run"',
    () => build((builder) => builder.host('h', { outputs: { y: SPEC }, run: wrong('run') as HostFunction })),
  ],
  [
    'an op nobody knows',
    'UNSUPPORTED_OP',
    'an op of the op table',
    'Frobnicate',
    () => build((builder) => builder.kernel('Frobnicate', { x: 'x' })),
  ],
  [
    'an input the op does not have',
    'INVALID_GRAPH',
    'x',
    'y',
    () => build((builder) => builder.kernel('Relu', { y: 'x' })),
  ],
  [
    'an attribute that contradicts the input',
    'INVALID_ATTRIBUTE',
    'axis',
    '[5]',
    () => build((builder) => builder.kernel('Sum', { x: 'x' }, { axis: [5], keepDims: false })),
  ],
  [
    'an attribute that is no data',
    'INVALID_ATTRIBUTE',
    'attribute "axis"',
    'function axis',
    () => build((builder) => builder.kernel('Sum', { x: 'x' }, { axis: () => 1 })),
  ],
  [
    'options of a kernel that are null',
    'INVALID_OPTION',
    'options of kernel(): expected an object',
    'null',
    () => build((builder) => builder.kernel('Relu', { x: 'x' }, {}, wrong(null))),
  ],
  [
    'an option of a kernel that nothing reads',
    'INVALID_OPTION',
    'only the options name, outputs',
    '"nmae"',
    () => build((builder) => builder.kernel('Relu', { x: 'x' }, {}, wrong({ nmae: 'y' }))),
  ],
  [
    'options of an inlined graph that are null',
    'INVALID_OPTION',
    'options of graph(): expected an object',
    'null',
    () => build((builder) => builder.graph(negation(), { x: 'x' }, wrong(null))),
  ],
  [
    'a prefix that is no string',
    'INVALID_OPTION',
    'prefix: expected a string',
    '7',
    () => build((builder) => builder.graph(negation(), { x: 'x' }, wrong({ prefix: 7 }))),
  ],
  [
    'a value of another builder',
    'INVALID_GRAPH',
    'a value of this builder',
    'another builder',
    () => build((builder) => builder.output('y', new GraphBuilder().input('x', SPEC))),
  ],
];

const LIFE: readonly Mistake[] = [
  [
    'a listener that is none',
    'INVALID_OPTION',
    'listener of run:settled: expected a function',
    '5',
    () => engine.on('run:settled', wrong(5)),
  ],
  [
    'no listener to remove',
    'INVALID_OPTION',
    'listener of run:settled: expected a function',
    'undefined',
    () => engine.off('run:settled', wrong(undefined)),
  ],
  [
    'an event that does not exist',
    'INVALID_OPTION',
    'run:queued, run:dispatched, run:settled, stream:replaced',
    '"run:finished"',
    () => engine.on(wrong('run:finished'), () => undefined),
  ],
  [
    'an event that only Object knows',
    'INVALID_OPTION',
    'run:queued',
    '"constructor"',
    () => engine.off(wrong('constructor'), () => undefined),
  ],
  [
    'a run too many',
    'QUEUE_FULL',
    '0 waiting runs',
    'one more',
    () => Promise.all([1, 2].map(() => busy.run({ x: X }))),
  ],
  [
    'a run after dispose()',
    'EXECUTABLE_DISPOSED',
    'no run after dispose()',
    'one',
    () => disposed.run({ x: X }),
  ],
  [
    'a run after close()',
    'ENGINE_CLOSED',
    'an open engine',
    'a call after close()',
    () => afterClose.executable.run({ x: X }),
  ],
  [
    'a compilation after close()',
    'ENGINE_CLOSED',
    'an open engine',
    'a call after close()',
    () => afterClose.engine.compile(negation()),
  ],
];

const TABLE: Readonly<Record<string, readonly Mistake[]>> = {
  'a feed': FEEDS,
  'run options': RUN_OPTIONS,
  'engine options': ENGINE_OPTIONS,
  compilation: COMPILATIONS,
  'a graph': GRAPHS,
  'a call': LIFE,
};

const FAMILIES = { type: TypeError, range: RangeError, runtime: Error } as const;

describe.each(Object.entries(TABLE))('%s', (_where, mistakes) => {
  it.each(mistakes)('with %s is refused with %s', async (_what, code, expected, received, act) => {
    const error = await rejection(Promise.resolve().then(act));
    expect(error.code).toBe(code);
    expect(error).toBeInstanceOf(FAMILIES[ERROR_CODES[code].family]);
    expect(error.message).toMatch(/expected .*(, received |; )/s);
    const [before, after] = error.message.split(/, received |; /, 2);
    expect(before).toContain(expected);
    expect(after).toContain(received);
  });
});

describe('a device module', () => {
  it('whose options no thread can be sent starts none', async () => {
    const threads = vi.fn();
    process.on('worker', threads);
    const module = new URL('./support/devices/puppet.mjs', import.meta.url);
    await rejection(start({ device: { module, options: { decide: () => 1 } } }));
    process.off('worker', threads);
    expect(threads).not.toHaveBeenCalled();
  });
});

describe('after all these mistakes', () => {
  it('the engine has run nothing and serves the next run', async () => {
    expect(engine.stats().runs).toMatchObject({ queued: 0, inFlight: 0, completed: 0, failed: 0 });
    const { outputs } = await executable.run({ x: new Float32Array(6).fill(2) });
    expect(outputs['y']!.data).toEqual(new Float32Array(6).fill(-2));
  });
});
