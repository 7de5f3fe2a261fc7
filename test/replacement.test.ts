import { describe, expect, it } from 'vitest';
import { rejection } from './support/catch-error.js';
import { NO_CONSTANTS, program, startLoaded, startStream } from './support/staged-stream.js';

describe('a stream whose threads die right after they are ready', () => {
  it('is replaced three times, and then broken', async () => {
    const { stream, threads, replaced } = startStream();
    for (let thread = 0; thread < threads.length; thread++) {
      threads[thread]!.tell({ type: 'ready' });
      threads[thread]!.die(new Error(`death ${thread + 1}`));
      expect(threads.length).toBeLessThan(10);
    }
    expect(stream.broken).toMatchObject({ code: 'DEVICE_LOST' });
    expect(stream.available).toBe(false);
    expect([stream.replaced, replaced.length, threads.length]).toEqual([3, 3, 4]);
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

  it('tells so whoever waits for a load that the thread died of', async () => {
    const stage = startStream();
    stage.thread().tell({ type: 'ready' });
    const loading = rejection(stage.stream.load(0, program, NO_CONSTANTS));
    stage.refusing = true;
    stage.thread().die(new Error('while it loads'));
    expect((await loading).code).toBe('DEVICE_UNAVAILABLE');
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

describe('a stream that is broken', () => {
  it('is closed only when its last thread is over', async () => {
    const { stream, thread } = startStream();
    let end = () => {};
    thread().lastWords = new Promise((resolve) => {
      end = resolve;
    });
    thread().tell({ type: 'unavailable', error: { code: 'DEVICE_UNAVAILABLE', message: 'no device' } });
    let closed = false;
    const closing = stream.terminate().then(() => {
      closed = true;
    });
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    expect([thread().terminated, closed]).toEqual([true, false]);
    end();
    await closing;
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

describe('a program that a thread died of', () => {
  it('is given two threads again once one has loaded it', async () => {
    const stage = await startLoaded();
    const dieLoading = () => {
      stage.thread().tell({ type: 'ready' });
      stage.thread().die(new Error('while it loads'));
    };
    stage.thread().die(new Error('idle'));
    for (let round = 0; round < 2; round++) {
      dieLoading();
      expect(stage.thread().posted.map(({ type }) => type)).toEqual(['load']);
      stage.thread().tell({ type: 'ready' });
      stage.thread().loadAll();
      stage.open(0);
      stage.thread().end(stage.thread().begin(stage.claims));
      stage.stream.close(0, true);
      stage.thread().die(new Error('idle'));
    }
    expect([stage.stream.broken, stage.stream.replaced]).toEqual([undefined, 5]);
  });
});

describe('a thread whose heap has grown to its limit', () => {
  it('is retired when the last of its runs has left, and given no other', async () => {
    const stage = await startLoaded();
    const thread = stage.thread();
    stage.open(0);
    const first = thread.begin(stage.claims);
    stage.open(1);
    const second = thread.begin(stage.claims);
    thread.end(first, { status: 'failed', error: { code: 'OUT_OF_MEMORY', message: 'the heap is full' } });
    stage.stream.close(0, false);
    expect([thread.terminated, stage.stream.available]).toEqual([false, false]);
    thread.end(second);
    stage.stream.close(1, true);
    expect([thread.terminated, stage.told.at(-1)]).toMatchObject([true, { slot: 1, status: 'completed' }]);
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

  it('is not heard any more once another has taken its place, nor do its statistics stay', async () => {
    const stage = await startLoaded();
    new Float64Array(stage.memory).set([100, 200, 300]);
    expect(stage.stream.memory()).toEqual({ liveBytes: 100, peakBytes: 200, constantBytes: 300 });
    const former = stage.thread();
    former.die(new Error('idle'));
    expect(stage.stream.memory()).toEqual({ liveBytes: 0, peakBytes: 0, constantBytes: 0 });
    former.tell({ type: 'ready' });
    expect(stage.stream.available).toBe(false);
    stage.thread().tell({ type: 'ready' });
    expect(stage.stream.available).toBe(true);
  });

  it('that is told to end while its replacement starts is followed by none', async () => {
    const stage = await startLoaded();
    stage.thread().die(new Error('idle'));
    expect(stage.threads.length).toBe(2);
    await stage.stream.terminate();
    expect([stage.threads.length, stage.thread().terminated]).toEqual([2, true]);
  });
});
