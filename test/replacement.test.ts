import { describe, expect, it } from 'vitest';
import { createClaims } from '../kernels/stream-worker/claims.js';
import { HostedStream } from '../kernels/stream-worker/hosted-stream.js';
import { createMemoryWords } from '../kernels/stream-worker/memory-words.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import { planGraph } from '../scheduler/plan-graph.js';
import type { StreamEvent } from '../scheduler/stream.js';
import { rejection } from './support/catch-error.js';
import { FakeThread } from './support/fake-threads.js';

const SLOTS = 3;
const NO_CONSTANTS = new SharedArrayBuffer(0);

function onePlan() {
  const builder = new GraphBuilder();
  const x = builder.input('x', { dtype: 'float32', shape: [1] });
  builder.output('y', builder.kernel('Neg', { x }));
  return planGraph(builder.build(), { streams: 1, placement: 'single' });
}

const program = onePlan().programs[0]!;

/** A stream on fake threads; `refusing` makes starting one throw. */
function startStream() {
  const claims = createClaims(SLOTS);
  const threads: FakeThread[] = [];
  const stage = { refusing: false, replaced: [] as string[], told: [] as (StreamEvent & { slot: number })[] };
  const stream = new HostedStream(
    {
      index: 0,
      claims,
      memory: createMemoryWords(),
      memoryLimitBytes: undefined,
      start: (events) => {
        if (stage.refusing) throw new Error('no more threads');
        threads.push(new FakeThread(events));
        return threads.at(-1)!;
      },
    },
    { onChange: () => undefined, onReplaced: ({ message }) => stage.replaced.push(message) },
  );
  const open = (slot: number, key = 0) => {
    const onEvent = (event: StreamEvent) => stage.told.push({ ...event, slot });
    stream.open({ slot, program: key, mode: { kind: 'node' }, timeline: undefined, onEvent });
    stream.submit(slot, 0);
  };
  return Object.assign(stage, { stream, threads, claims, open, thread: () => threads.at(-1)! });
}

type Stage = ReturnType<typeof startStream>;

async function load({ stream, thread }: Stage, key = 0): Promise<void> {
  const loading = stream.load(key, program, NO_CONSTANTS);
  thread().tell({ type: 'loaded', key, fallbacks: [] });
  await loading;
}

async function startLoaded(): Promise<Stage> {
  const stage = startStream();
  stage.thread().tell({ type: 'ready' });
  await load(stage);
  return stage;
}

describe('a stream whose threads die right after they are ready', () => {
  it('is replaced a few times, and then broken', async () => {
    const { stream, threads, replaced } = startStream();
    for (let thread = 0; thread < threads.length; thread++) {
      threads[thread]!.tell({ type: 'ready' });
      threads[thread]!.die(new Error(`death ${thread + 1}`));
      expect(threads.length).toBeLessThan(10);
    }
    expect(stream.broken).toMatchObject({ code: 'DEVICE_LOST' });
    expect(stream.available).toBe(false);
    expect([stream.replaced, replaced.length]).toEqual([threads.length - 1, threads.length - 1]);
    expect((await rejection(stream.load(0, program, NO_CONSTANTS))).code).toBe('DEVICE_LOST');
  });

  it('is replaced for as long as each of them executes something', async () => {
    const stage = await startLoaded();
    for (let death = 1; death <= 20; death++) {
      stage.open(0);
      const segment = stage.thread().begin(stage.claims);
      stage.thread().end(segment);
      stage.stream.close(0, true);
      stage.thread().die(new Error('idle'));
      stage.thread().tell({ type: 'ready' });
      stage.thread().loadAll();
    }
    expect([stage.stream.replaced, stage.stream.available]).toEqual([20, true]);
  });
});

describe('a stream whose replacement cannot be started', () => {
  it('is broken: everything on it is told so, once, and nothing was replaced', async () => {
    const stage = await startLoaded();
    const { stream, thread, claims, told } = stage;
    stage.open(0);
    thread().begin(claims);
    stage.open(1);
    const loading = rejection(stream.load(7, program, NO_CONSTANTS));
    stage.refusing = true;
    thread().die(new Error('first death'));
    expect(told.map(({ slot, kind }) => [slot, kind])).toEqual([
      [0, 'lost'],
      [1, 'lost'],
    ]);
    expect(stream.broken).toMatchObject({ code: 'DEVICE_UNAVAILABLE' });
    expect(stream.broken!.message).toContain('no more threads');
    expect((await loading).code).toBe('DEVICE_UNAVAILABLE');
    expect([stream.replaced, stage.replaced]).toEqual([0, []]);
    await stream.terminate();
  });

  it('frees those who wait for an eviction', async () => {
    const stage = await startLoaded();
    stage.open(0);
    stage.thread().begin(stage.claims);
    stage.refusing = true;
    await stage.stream.evict(0, new Error('quarantine'));
    expect([stage.stream.available, stage.told]).toEqual([false, []]);
  });
});

describe('a stream from which a run is evicted', () => {
  it('begins the next run of its slot, though not all of the first had been begun', async () => {
    const stage = await startLoaded();
    stage.open(0);
    stage.thread().end(stage.thread().begin(stage.claims));
    stage.stream.submit(0, 0);
    const evicted = stage.stream.evict(0, new Error('quarantine'));
    await evicted;
    stage.thread().tell({ type: 'ready' });
    stage.thread().loadAll();
    stage.open(0);
    stage.thread().end(stage.thread().begin(stage.claims));
    expect(stage.told.map(({ kind }) => kind)).toEqual(['segment', 'segment']);
  });
});

describe('a program that a replacement refuses', () => {
  const refusal = { code: 'OUT_OF_MEMORY', message: 'no room' } as const;

  it('fails its runs, not those of others, and is sent to the next replacement again', async () => {
    const stage = await startLoaded();
    await load(stage, 1);
    stage.open(0);
    stage.thread().begin(stage.claims);
    stage.thread().die(new Error('first death'));
    stage.thread().tell({ type: 'ready' });
    stage.thread().tell({ type: 'not-loaded', key: 0, error: refusal, defunct: false });
    stage.thread().tell({ type: 'loaded', key: 1, fallbacks: [] });
    stage.told.length = 0;
    stage.open(0, 0);
    stage.open(1, 1);
    await Promise.resolve();
    const innocent = stage.thread().begin(stage.claims);
    expect([stage.thread().terminated, innocent.key]).toEqual([false, 1]);
    stage.thread().end(innocent);
    expect(stage.told).toMatchObject([
      { slot: 0, kind: 'segment', status: 'failed', error: refusal },
      { slot: 1, kind: 'segment', status: 'completed' },
    ]);
    stage.stream.close(0, false);
    stage.stream.close(1, true);
    stage.thread().die(new Error('second death'));
    stage.thread().tell({ type: 'ready' });
    stage.thread().loadAll();
    stage.open(0, 0);
    expect(stage.thread().begin(stage.claims).key).toBe(0);
  });

  it('is given up when threads die of it, and others go on', async () => {
    const stage = await startLoaded();
    await load(stage, 1);
    stage.thread().die(new Error('idle'));
    for (let death = 0; death < 2; death++) {
      stage.thread().tell({ type: 'ready' });
      stage.thread().die(new Error('while it loads program 0'));
    }
    stage.thread().tell({ type: 'ready' });
    expect(stage.thread().posted.filter(({ type }) => type === 'load')).toMatchObject([{ key: 1 }]);
    expect(stage.stream.broken).toBeUndefined();
  });
});

describe('the thread of a stream', () => {
  it('keeps the process alive while it starts, runs, loads or ends, and not otherwise', async () => {
    const stage = startStream();
    const alive = () => stage.thread().referenced;
    expect(alive()).toBe(true);
    stage.thread().tell({ type: 'ready' });
    expect(alive()).toBe(false);
    const loading = stage.stream.load(0, program, NO_CONSTANTS);
    expect(alive()).toBe(true);
    stage.thread().loadAll();
    await loading;
    expect(alive()).toBe(false);
    stage.open(0);
    expect(alive()).toBe(true);
    const first = stage.thread();
    const error = { code: 'OUT_OF_MEMORY', message: 'the heap is full' } as const;
    first.end(first.begin(stage.claims), { status: 'failed', error });
    stage.stream.close(0, false);
    // The heap had grown to its limit: the thread is retired, and its replacement has to come.
    const other = stage.stream.load(1, program, NO_CONSTANTS);
    first.tell({ type: 'loaded', key: 1, fallbacks: [] });
    expect([first.terminated, first.referenced, stage.threads.length]).toEqual([true, true, 1]);
    await other;
    expect([stage.threads.length, alive()]).toEqual([2, true]);
    stage.thread().tell({ type: 'ready' });
    expect(alive()).toBe(false);
  });

  it('keeps the process alive until the stream is closed, though it answers meanwhile', async () => {
    const stage = startStream();
    stage.thread().tell({ type: 'ready' });
    const loading = stage.stream.load(0, program, NO_CONSTANTS);
    const closing = stage.stream.terminate();
    stage.thread().loadAll();
    expect(stage.thread().referenced).toBe(true);
    await Promise.all([loading, closing]);
  });

  it('that is told to end while its replacement starts is followed by none', async () => {
    const stage = await startLoaded();
    stage.thread().die(new Error('idle'));
    expect(stage.threads.length).toBe(2);
    await stage.stream.terminate();
    expect([stage.threads.length, stage.thread().terminated]).toEqual([2, true]);
  });
});
