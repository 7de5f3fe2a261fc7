import { describe, expect, it } from 'vitest';
import { createEngine } from '../runtime/create-engine.js';
import type { Engine } from '../runtime/engine.js';
import type { RunError } from '../runtime/errors.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import type { HostFunction } from '../scheduler/graph.js';
import type { TensorSpec } from '../scheduler/tensor.js';
import { rejection, runRejection } from './support/catch-error.js';
import { sharePuppetEngine, startEngine, startPuppetEngine } from './support/engines.js';
import { ManualClock } from './support/manual-clock.js';
import type { PuppetAction } from './support/puppet.js';
import { abortListeners } from './support/signals.js';
import { expectCorrectRun, FEEDS, thirtyNodes } from './support/thirty-nodes.js';
import { until } from './support/until.js';

const SPEC: TensorSpec = { dtype: 'float32', shape: [2] };
const DATA = Float32Array.of(1, 2);

function watchReplaced(engine: Engine) {
  const events: { stream: number; reason: Error }[] = [];
  engine.on('stream:replaced', (event) => events.push(event));
  return events;
}

/** Sets up a run that pauses on one stream, lets another on the next stream do `action`, and gives both outcomes. */
async function failBesideAnother(action: PuppetAction, node: number) {
  const { engine, puppet } = await startPuppetEngine({ streams: 2, runsInFlight: 1 });
  const executable = await engine.compile(thirtyNodes(), { name: 'thirty' });
  await expectCorrectRun(executable);
  const replaced = watchReplaced(engine);
  const pause = puppet.arm(3, 'pause');
  const bystander = executable.run(FEEDS);
  await pause.reached();
  puppet.arm(node, action);
  const error = await runRejection(executable.run(FEEDS));
  pause.release();
  expect((await bystander).report.outcome).toBe('completed');
  return { engine, puppet, executable, replaced, error };
}

function expectIdle(engine: Engine): void {
  const { runs, bytes } = engine.stats();
  expect([runs.inFlight, runs.queued, bytes.live]).toEqual([0, 0, 0]);
}

describe('a kernel that throws', () => {
  it('fails its run with KERNEL_FAILED and its node, and leaves stream and other runs alone', async () => {
    const { engine, executable, replaced, error } = await failBesideAnother('throw', 7);
    expect(error).toMatchObject({ code: 'KERNEL_FAILED', node: 'n7' });
    expect(error.message).toContain('the puppet was told to throw');
    expect(error.report).toMatchObject({ outcome: 'failed', executable: 'thirty', stream: 1 });
    expect(replaced).toEqual([]);
    expectIdle(engine);
    for (let run = 0; run < 4; run++) await expectCorrectRun(executable);
    expect(engine.stats().runs).toMatchObject({ completed: 6, failed: 1 });
  });

  it('fails its run when what it produces is not what the graph promises', async () => {
    const { engine, puppet } = await startPuppetEngine();
    const executable = await engine.compile(thirtyNodes());
    puppet.arm(5, 'misshape');
    const error = await runRejection(executable.run(FEEDS));
    expect(error).toMatchObject({
      code: 'KERNEL_FAILED',
      node: 'n5',
      expected: 'float32[2,3]',
      received: 'float32[2,3,1]',
    });
    expectIdle(engine);
    await expectCorrectRun(executable);
  });
});

describe.each([
  ['process.exit', 'exit', 'DEVICE_LOST', undefined],
  ['a WebAssembly trap', 'trap', 'KERNEL_FAILED', 'n7'],
] as const)('%s in a kernel', (_what, action, code, node) => {
  it('fails its run, leaves other streams alone, and has the stream replaced with its constants', async () => {
    const { engine, puppet, executable, replaced, error } = await failBesideAnother(action, 7);
    expect(error).toMatchObject({ code, node });
    expect(error.report).toMatchObject({ outcome: 'failed', stream: 1 });
    await until(() => replaced.length > 0, 'the stream is replaced');
    expect(replaced.map(({ stream }) => stream)).toEqual([1]);
    expectIdle(engine);
    // While a run keeps stream 0 busy, others have to run on the replacement.
    const pause = puppet.arm(3, 'pause');
    const bystander = executable.run(FEEDS);
    await pause.reached();
    for (let run = 0; run < 3; run++) await expectCorrectRun(executable);
    pause.release();
    expect((await bystander).report).toMatchObject({ outcome: 'completed', stream: 0 });
    const { streams } = engine.stats();
    expect(streams.map((stream) => stream.replaced)).toEqual([0, 1]);
    expect(streams[1]!.bytes.constants).toBe(streams[0]!.bytes.constants);
    expect(streams[1]!.bytes.constants).toBeGreaterThan(0);
  });
});

/** `first` on the stream, then a host node, then `n1` on the stream again. */
function sandwich(run: HostFunction) {
  const builder = new GraphBuilder();
  const first = builder.kernel('Neg', { x: builder.input('x', SPEC) }, {}, { name: 'n0' });
  const { y } = builder.host('between', { inputs: { x: first }, outputs: { y: SPEC }, run });
  builder.output('y', builder.kernel('Neg', { x: y }, {}, { name: 'n1' }));
  return builder.build();
}

describe('a worker that dies', () => {
  it('of an exception that nobody caught fails a run that has nothing submitted, after its host node', async () => {
    const { engine, puppet } = await startPuppetEngine();
    const replaced = watchReplaced(engine);
    let hostEnded = false;
    const executable = await engine.compile(
      sandwich(async ({ x }) => {
        await until(() => replaced.length > 0 || engine.stats().runs.completed > 0, 'the stream is replaced');
        hostEnded = true;
        return { y: x! };
      }),
    );
    puppet.arm(0, 'uncaught');
    const error = await runRejection(executable.run({ x: DATA }));
    expect(error).toMatchObject({ code: 'DEVICE_LOST' });
    expect(error.message).toContain('nobody catches');
    expect(hostEnded).toBe(true);
    expect(replaced[0]!.reason.message).toContain('nobody catches');
    expectIdle(engine);
  });

  it('loses the run that it executes; those behind it run on the replacement', async () => {
    const { engine, puppet } = await startPuppetEngine({ runsInFlight: 2 });
    const executable = await engine.compile(thirtyNodes());
    const pause = puppet.arm(2, 'pause');
    puppet.arm(3, 'exit');
    const lost = runRejection(executable.run(FEEDS));
    const others = [2, 3, 4].map(() => executable.run(FEEDS));
    await pause.reached();
    pause.release();
    expect((await lost).code).toBe('DEVICE_LOST');
    for (const { report } of await Promise.all(others)) expect(report.outcome).toBe('completed');
    expectIdle(engine);
  });

  it('fails a run that is spread over it and another stream, which goes on', async () => {
    const { engine, puppet } = await startPuppetEngine({ streams: 2 });
    const executable = await engine.compile(thirtyNodes(), { placement: ({ index }) => index % 2 });
    for (const node of [1, 4, 11, 29]) {
      puppet.arm(node, 'exit');
      expect(await runRejection(executable.run(FEEDS))).toMatchObject({ code: 'DEVICE_LOST' });
      await expectCorrectRun(executable);
    }
    expectIdle(engine);
    const counts = engine.stats().streams.map(({ replaced }) => replaced);
    expect(counts[0]! + counts[1]!).toBe(4);
  });

  it('while an abort drains still fails the run: a failure outranks an abort', async () => {
    const { engine, puppet } = await startPuppetEngine();
    const executable = await engine.compile(thirtyNodes());
    const controller = new AbortController();
    const pause = puppet.arm(4, 'pause');
    puppet.arm(5, 'exit');
    const options = { signal: controller.signal, cancellation: 'none' } as const;
    const run = runRejection(executable.run(FEEDS, options));
    await pause.reached();
    controller.abort();
    pause.release();
    expect(await run).toMatchObject({ code: 'DEVICE_LOST', report: { outcome: 'failed' } });
    expect(abortListeners(controller.signal)).toBe(0);
  });
});

describe('a kernel that does not end after a stop', () => {
  it('has its stream replaced at drainLimitMs, which fails the runs on it and no other', async () => {
    const clock = new ManualClock();
    const { engine, puppet } = await startPuppetEngine(
      { streams: 2, runsInFlight: 1, drainLimitMs: 50 },
      clock,
    );
    const replaced = watchReplaced(engine);
    const executable = await engine.compile(thirtyNodes());
    const hang = puppet.arm(3, 'pause');
    const hung = runRejection(executable.run(FEEDS, { timeoutMs: 10 }));
    await hang.reached();
    clock.advance(10);
    await expectCorrectRun(executable);
    clock.advance(49);
    await expectCorrectRun(executable);
    expect(replaced).toEqual([]);
    clock.advance(1);
    expect(await hung).toMatchObject({ code: 'DEVICE_LOST', report: { outcome: 'failed', stream: 0 } });
    expect(replaced.map(({ stream, reason }) => [stream, reason.message.includes('drainLimitMs')])).toEqual([
      [0, true],
    ]);
    await expectCorrectRun(executable);
    expectIdle(engine);
  });

  it('is not waited for beyond the limit when it ends in time', async () => {
    const clock = new ManualClock();
    const { engine, puppet } = await startPuppetEngine({ drainLimitMs: 50 }, clock);
    const executable = await engine.compile(thirtyNodes());
    const pause = puppet.arm(3, 'pause');
    const run = runRejection(executable.run(FEEDS, { timeoutMs: 10 }));
    await pause.reached();
    clock.advance(10);
    pause.release();
    expect((await run).code).toBe('DEADLINE_EXCEEDED');
    expect(clock.timers).toBe(0);
    expect(engine.stats().streams[0]!.replaced).toBe(0);
  });
});

/** `rows` × 1 KiB of feed, tiled `times` fold. */
function tiles(rows: number, times: number) {
  const builder = new GraphBuilder();
  const x = builder.input('x', { dtype: 'float32', shape: [rows, 256] });
  const bias = builder.constant('bias', { dtype: 'float32', shape: [], data: Float32Array.of(3) });
  const tiled = builder.kernel('Tile', { x }, { reps: [times, 1] }, { name: 'tile' });
  builder.output('y', builder.kernel('Multiply', { a: tiled, b: bias }, {}, { name: 'scale' }));
  return builder.build();
}

describe('a device without memory left', () => {
  it('fails the run that exhausts the heap, and replaces the stream to get its memory back', async () => {
    const engine = await startEngine({ streams: 2, runsInFlight: 1 });
    const replaced = watchReplaced(engine);
    const small = await engine.compile(tiles(2, 2));
    const large = await engine.compile(tiles(2 ** 16, 63), { name: 'large' });
    const feeds = { x: new Float32Array(2 ** 24) };
    const error = await runRejection(large.run(feeds));
    expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', node: 'tile', report: { outcome: 'failed' } });
    await until(() => replaced.length > 0, 'the stream is replaced');
    const { streams, bytes } = engine.stats();
    expect(streams.map((stream) => stream.replaced)).toEqual([1, 0]);
    expect(bytes.live).toBe(0);
    const runs = [1, 2, 3, 4].map(() => small.run({ x: new Float32Array(512).fill(2) }));
    for (const { outputs } of await Promise.all(runs)) {
      expect(outputs['y']!.data.every((value) => value === 6)).toBe(true);
    }
  });

  it('keeps the stream when it is only the limit of the engine that is reached', async () => {
    const engine = await startEngine({ memoryLimitBytes: 2 ** 20 });
    const replaced = watchReplaced(engine);
    const large = await engine.compile(tiles(256, 4));
    const small = await engine.compile(tiles(256, 1));
    const feeds = { x: new Float32Array(2 ** 16).fill(2) };
    const error = await runRejection(large.run(feeds));
    expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', node: 'tile' });
    expectIdle(engine);
    expect((await small.run(feeds)).outputs['y']!.data[0]).toBe(6);
    expect(replaced).toEqual([]);
  });

  it('names the feed that does not fit', async () => {
    const engine = await startEngine({ memoryLimitBytes: 2 ** 16 });
    const executable = await engine.compile(tiles(256, 1));
    const run = executable.run({ x: new Float32Array(2 ** 16) });
    expect(await runRejection(run)).toMatchObject({ code: 'OUT_OF_MEMORY', node: 'x' });
    expectIdle(engine);
  });

  it('does not compile a graph whose constants do not fit, and keeps none of them', async () => {
    const engine = await startEngine({ streams: 2, memoryLimitBytes: 2 ** 10 });
    const builder = new GraphBuilder();
    const data = new Float32Array(2 ** 10);
    const big = builder.constant('big', { dtype: 'float32', shape: [data.length], data });
    builder.output('y', builder.kernel('Neg', { x: big }));
    expect((await rejection(engine.compile(builder.build()))).code).toBe('OUT_OF_MEMORY');
    expect(engine.stats().bytes).toMatchObject({ live: 0, constants: 0 });
  });
});

const shared = sharePuppetEngine();

/** Runs a graph whose host node is `run`, aborts when the node has started if asked to, and gives the error. */
async function failHost(run: HostFunction, abort = false): Promise<RunError> {
  const { engine } = shared;
  const controller = new AbortController();
  const executable = await engine.compile(
    sandwich((inputs, context) => {
      if (abort) controller.abort(new Error('stop'));
      return run(inputs, context);
    }),
  );
  const error = await runRejection(executable.run({ x: DATA }, { signal: controller.signal }));
  expectIdle(engine);
  expect(abortListeners(controller.signal)).toBe(0);
  return error;
}

describe('a host node', () => {
  it.each([
    ['throws', () => Promise.reject(new Error('no such file')), 'no such file'],
    ['throws something that is no error', () => Promise.reject('a string'), '"a string"'],
    ['throws before it returns a promise', thrower, 'at once'],
    ['returns nothing', () => undefined as never, 'received undefined'],
    ['leaves an output out', () => ({}), 'received nothing'],
    ['returns null for an output', () => ({ y: null }) as never, 'received null'],
    [
      'returns an empty object for an output',
      () => ({ y: {} }) as never,
      'received an object of class Object',
    ],
    ['returns another shape', () => ({ y: { ...SPEC, shape: [3], data: DATA } }), '[3]'],
    ['returns another dtype', () => ({ y: Int32Array.of(1, 2) }), 'Int32Array'],
    ['returns another length', () => ({ y: Float32Array.of(1) }), 'received 1'],
  ] as const)('that %s fails the run with HOST_NODE_FAILED and its name', async (_how, run, quoted) => {
    const error = await failHost(run as HostFunction);
    expect(error).toMatchObject({ code: 'HOST_NODE_FAILED', node: 'between', report: { outcome: 'failed' } });
    expect(error.message).toContain(quoted);
  });

  it('that throws a real error after an abort fails the run: a failure outranks an abort', async () => {
    const error = await failHost(() => Promise.reject(new Error('disk on fire')), true);
    expect(error).toMatchObject({ code: 'HOST_NODE_FAILED', node: 'between' });
  });

  it('that throws an AbortError after the abort counts as stopped', async () => {
    const error = await failHost((_inputs, { signal }) => {
      signal.throwIfAborted();
      throw new Error('not reached');
    }, true);
    expect(error).toMatchObject({ code: 'ABORTED', report: { stoppedBefore: 'between', nodesCompleted: 1 } });
    const byName = Object.assign(new Error('aborted'), { name: 'AbortError' });
    expect(await failHost(() => Promise.reject(byName), true)).toMatchObject({ code: 'ABORTED' });
  });

  it('that throws an AbortError of its own without an abort fails the run', async () => {
    const byName = Object.assign(new Error('aborted'), { name: 'AbortError' });
    expect(await failHost(() => Promise.reject(byName))).toMatchObject({ code: 'HOST_NODE_FAILED' });
  });

  it('that ignores its signal is waited for', async () => {
    let ended = false;
    const error = await failHost(async ({ x }, { signal }) => {
      await until(() => signal.aborted, 'the host node is told');
      await until(() => true, 'another turn has passed');
      ended = true;
      return { y: x! };
    }, true);
    expect(ended).toBe(true);
    expect(error).toMatchObject({ code: 'ABORTED', report: { stoppedBefore: 'n1', nodesCompleted: 2 } });
  });

  it('is told when another node fails', async () => {
    const { engine, puppet } = shared;
    const builder = new GraphBuilder();
    const x = builder.input('x', SPEC);
    let told = false;
    const { y } = builder.host('beside', {
      outputs: { y: SPEC },
      run: async (_inputs, { signal }) => {
        await until(() => signal.aborted, 'the host node is told');
        told = true;
        return { y: DATA };
      },
    });
    builder.output('y', y);
    builder.output('z', builder.kernel('Neg', { x }, {}, { name: 'n0' }));
    const executable = await engine.compile(builder.build());
    puppet.arm(0, 'throw');
    const run = executable.run({ x: DATA }, { cancellation: 'node' });
    expect(await runRejection(run)).toMatchObject({ code: 'KERNEL_FAILED', node: 'n0' });
    expect(told).toBe(true);
  });
});

function thrower(): never {
  throw new Error('at once');
}

describe('a device module', () => {
  const module = (code: string) => new URL(`data:text/javascript,${encodeURIComponent(code)}`);

  it.each([
    ['does not exist', new URL('./no-such-device.mjs', import.meta.url)],
    ['throws while it loads', module('throw new Error("broken")')],
    ['does not export createKernelBackend', module('export const other = 1')],
    ['ends its thread', module('process.exit(1)')],
  ])('that %s makes the device unavailable', async (_how, url) => {
    const error = await rejection(createEngine({ device: { module: url }, streams: 2 }));
    expect(error.code).toBe('DEVICE_UNAVAILABLE');
  });

  it('whose thread dies while it prepares a node fails the compilation', async () => {
    const dying = module(`export const createKernelBackend = () => ({
      device: 'dying', memory: { liveBytes: 0, peakBytes: 0 },
      prepare: () => process.exit(1), upload: () => ({}), read: () => new Uint8Array(0), release() {}, close() {},
    })`);
    const engine = await startEngine({ device: { module: dying } });
    const compilation = engine.compile(sandwich(({ x }) => ({ y: x! })));
    expect((await rejection(compilation)).code).toBe('DEVICE_LOST');
  });
});
