import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { isTrap } from '../kernels/stream-worker/blame.js';
import { drive, waiterOn } from '../kernels/stream-worker/driver.js';
import type { FromStream, ToStream } from '../kernels/stream-worker/protocol.js';
import { StreamSession } from '../kernels/stream-worker/session.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import { createSystemClock } from '../scheduler/clock.js';
import { curfewError } from '../scheduler/errors.js';
import type { Graph } from '../scheduler/graph.js';
import type { DeviceTensor, ImmediateBackend } from '../scheduler/kernel.js';
import { writeConstants } from '../scheduler/plan/constants.js';
import { planGraph } from '../scheduler/plan-graph.js';
import { byteLength, type TensorSpec } from '../scheduler/tensor.js';

const SPEC: TensorSpec = { dtype: 'float32', shape: [2] };
const SLOTS = 4;
/** Missing from the types of Node alone. */
const { RuntimeError } = Reflect.get(globalThis, 'WebAssembly') as {
  RuntimeError: new (text?: string) => Error;
};

/** Kernels that make tensors of nothing, and count what is alive; `onKernel` may throw. */
function countingBackend() {
  const alive = new Set<DeviceTensor>();
  const memory = { liveBytes: 0, peakBytes: 0 };
  const make = (spec: TensorSpec): DeviceTensor => {
    const tensor = { ...spec };
    alive.add(tensor);
    memory.liveBytes += byteLength(spec);
    return tensor;
  };
  const state = {
    executed: [] as string[],
    uploads: 0,
    failUpload: 0,
    onKernel: (_name: string) => {},
    onUpload: () => {},
  };
  const backend: ImmediateBackend = {
    device: 'counting',
    memory,
    prepare: ({ name, outputs, outputSpecs }) => ({
      run: (values) => {
        state.executed.push(name);
        state.onKernel(name);
        for (const [index, id] of outputs.entries()) values[id] = make(outputSpecs[index]!);
      },
    }),
    upload: (spec) => {
      state.onUpload();
      if (++state.uploads === state.failUpload) throw new Error('no memory');
      return make(spec);
    },
    read: (tensor) => new Uint8Array(byteLength(tensor)),
    release: (tensor) => {
      if (!alive.delete(tensor)) throw new Error('released twice');
      memory.liveBytes -= byteLength(tensor);
    },
    close: () => undefined,
  };
  return { backend, alive, state };
}

/** A stream's thread without the thread, with a program for a graph loaded as key 0. */
function startSession(graph: Graph, failUpload = 0) {
  const plan = planGraph(graph, { streams: 1, placement: 'single' });
  const counting = countingBackend();
  counting.state.failUpload = failUpload;
  const told: FromStream[] = [];
  let constantBytes = 0;
  const session = new StreamSession({
    backend: counting.backend,
    control: new Int32Array(SLOTS),
    claims: new Int32Array(SLOTS),
    clock: createSystemClock(),
    post: (message) => told.push(message),
    onMemory: (bytes) => {
      constantBytes = bytes;
    },
  });
  const wait = waiterOn(counting.backend);
  const handle = (message: ToStream) => drive(session.handle(message), wait);
  const constants = new SharedArrayBuffer(plan.constantBytes);
  writeConstants(graph, new Uint8Array(constants));
  const load = (key: number) => handle({ type: 'load', key, program: plan.programs[0]!, constants });
  const unload = (key: number) => handle({ type: 'unload', key });
  load(0);
  for (let slot = 0; slot < SLOTS; slot++)
    handle({ type: 'exchange', slot, buffer: new SharedArrayBuffer(plan.exchangeBytes) });
  const execute = (slot: number, segment: number, ticket: number, key = 0) =>
    handle({ type: 'segment', slot, key, segment, mode: { kind: 'node' }, timeline: undefined, ticket });
  return { ...counting, told, handle, load, unload, execute, constants: () => constantBytes };
}

/** `n0`, a host node, `n1`: two segments. */
function twoSegments(): Graph {
  const builder = new GraphBuilder();
  const first = builder.kernel('Neg', { x: builder.input('x', SPEC) }, {}, { name: 'n0' });
  const { y } = builder.host('host', { inputs: { first }, outputs: { y: SPEC }, run: () => ({}) });
  builder.output('y', builder.kernel('Add', { a: first, b: y }, {}, { name: 'n1' }));
  return builder.build();
}

function withConstants(): Graph {
  const builder = new GraphBuilder();
  let value = builder.input('x', SPEC);
  for (const name of ['c0', 'c1', 'c2']) {
    const b = builder.constant(name, { ...SPEC, data: Float32Array.of(1, 2) });
    value = builder.kernel('Add', { a: value, b });
  }
  builder.output('y', value);
  return builder.build();
}

const trap = () => {
  throw new RuntimeError('unreachable');
};
const wrappedTrap = () => {
  throw curfewError('KERNEL_FAILED', 'wrapped', {
    cause: new Error('again', { cause: new RuntimeError() }),
  });
};

describe('the thread of a stream', () => {
  it.each([
    ['trapped', trap],
    ['trapped, whoever wrapped the trap', wrappedTrap],
  ])('executes nothing more once a kernel has %s', (_what, kernel) => {
    const { state, told, execute } = startSession(twoSegments());
    state.onKernel = kernel;
    execute(0, 0, 1);
    expect(told.at(-1)).toMatchObject({ type: 'segment', slot: 0, status: 'failed', defunct: true });
    const before = told.length;
    state.onKernel = () => {};
    execute(1, 0, 1);
    execute(2, 0, 1);
    expect([state.executed.length, told.length]).toEqual([1, before]);
  });

  it('executes nothing more once it has trapped while it loads', () => {
    const { state, told, handle, load, execute } = startSession(withConstants());
    state.onUpload = trap;
    load(1);
    expect(told.at(-1)).toMatchObject({ type: 'not-loaded', key: 1, defunct: true });
    const before = told.length;
    state.onUpload = () => {};
    load(2);
    execute(0, 0, 1);
    handle({ type: 'close', slot: 0, acknowledge: true });
    expect([state.executed, told.length]).toEqual([[], before]);
  });

  it('holds the values of each run apart, until its last segment has ended', () => {
    const { alive, told, execute } = startSession(twoSegments());
    execute(0, 0, 1);
    execute(1, 0, 1);
    const held = alive.size;
    execute(0, 1, 2);
    expect([alive.size, held]).toEqual([held / 2, held]);
    execute(1, 1, 2);
    expect(alive.size).toBe(0);
    execute(0, 0, 3);
    execute(0, 1, 4);
    expect(alive.size).toBe(0);
    const ends = told.filter(({ type }) => type === 'segment');
    expect(ends.map((end) => 'status' in end && end.status)).toEqual(Array(6).fill('completed'));
  });

  it('holds the constants of a program for all its runs, until it is unloaded', () => {
    const { alive, execute, constants, handle } = startSession(withConstants());
    const loaded = [alive.size, constants()];
    expect(loaded).toEqual([3, 3 * byteLength(SPEC)]);
    for (const ticket of [1, 2]) execute(0, 0, ticket);
    expect([alive.size, constants()]).toEqual(loaded);
    handle({ type: 'unload', key: 0 });
    expect([alive.size, constants()]).toEqual([0, 0]);
  });

  it('starts no segment of a run that has failed, and holds nothing of it', () => {
    const { state, alive, told, execute } = startSession(twoSegments());
    state.onKernel = () => {
      throw new Error('broken');
    };
    execute(0, 0, 1);
    state.onKernel = () => {};
    execute(0, 1, 2);
    expect(told.slice(-2)).toMatchObject([
      { segment: 0, status: 'failed' },
      { segment: 1, status: 'stopped', nodesCompleted: 0 },
    ]);
    expect([state.executed, alive.size]).toEqual([['n0'], 0]);
  });

  it('keeps no exchange buffer that it is told to forget', () => {
    const { told, handle, execute } = startSession(twoSegments());
    handle({ type: 'exchange', slot: 0, buffer: undefined });
    execute(0, 0, 1);
    expect(told.at(-1)).toMatchObject({ status: 'failed', error: { code: 'INTERNAL' } });
    expect(told.at(-1)).toMatchObject({ error: { message: expect.stringContaining('exchange buffer') } });
  });

  it.each([1, 2, 3])('keeps no constant when upload %d of three fails', (failUpload) => {
    const { alive, told, constants } = startSession(withConstants(), failUpload);
    expect(told).toMatchObject([{ type: 'not-loaded', error: { code: 'KERNEL_FAILED' }, defunct: false }]);
    expect([alive.size, constants()]).toEqual([0, 0]);
  });
});

describe('a program that the thread has refused', () => {
  it('fails the segments of it that were on their way, with the refusal; others are executed', () => {
    const session = startSession(withConstants(), 1);
    const { told, state, execute, load } = session;
    load(1);
    const [refused] = told as [FromStream & { type: 'not-loaded' }];
    execute(0, 0, 1);
    execute(1, 0, 1);
    execute(2, 0, 1, 1);
    expect(told.slice(2)).toMatchObject([
      { type: 'segment', slot: 0, status: 'failed', error: refused.error, nodesCompleted: 0, defunct: false },
      { type: 'segment', slot: 1, status: 'failed', error: refused.error, nodesCompleted: 0, defunct: false },
      { type: 'segment', slot: 2, status: 'completed', nodesCompleted: 3 },
    ]);
    expect(state.executed.length).toBe(3);
  });

  it('is forgotten when it is unloaded, and can be sent again', () => {
    const { told, load, unload, execute } = startSession(withConstants(), 1);
    unload(0);
    load(0);
    execute(0, 0, 1);
    expect(told.at(-1)).toMatchObject({ type: 'segment', status: 'completed' });
  });
});

describe('a trap', () => {
  it('is one of another realm, too, and one with a name of its own', () => {
    const foreign: unknown = runInNewContext("new WebAssembly.RuntimeError('unreachable')");
    expect(isTrap(foreign)).toBe(true);
    class OwnTrap extends RuntimeError {
      override name = 'OwnTrap';
    }
    expect(isTrap(new OwnTrap())).toBe(true);
  });

  it('is a lost device, too', () => {
    expect(isTrap(curfewError('KERNEL_FAILED', 'outer', { cause: curfewError('DEVICE_LOST', 'gone') }))).toBe(
      true,
    );
    expect(isTrap(Object.assign(new Error('mine'), { code: 'DEVICE_LOST' }))).toBe(false);
  });

  it('is recognised under whatever wraps it, and nothing else is', () => {
    const runtimeError = new RuntimeError('unreachable');
    expect(isTrap(runtimeError)).toBe(true);
    expect(isTrap(new Error('outer', { cause: new Error('inner', { cause: runtimeError }) }))).toBe(true);
    const circle = new Error('circle');
    circle.cause = circle;
    const named = Object.assign(new Error('mine'), { name: 'RuntimeError' });
    const closed = new Proxy(named, { getOwnPropertyDescriptor: () => expect.fail('hands off') });
    for (const other of [named, closed, undefined, null, 'RuntimeError', circle, new Error('RuntimeError')])
      expect(isTrap(other)).toBe(false);
  });
});
