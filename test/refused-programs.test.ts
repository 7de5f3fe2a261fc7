import { describe, expect, it } from 'vitest';
import { rejection } from './support/catch-error.js';
import { load, NO_CONSTANTS, program, startLoaded, startStream } from './support/staged-stream.js';

describe('a program that a replacement refuses', () => {
  const refusal = { code: 'OUT_OF_MEMORY', message: 'no room' } as const;

  async function startRefused() {
    const stage = await startLoaded();
    stage.thread().die(new Error('first death'));
    stage.thread().tell({ type: 'ready' });
    stage.thread().tell({ type: 'not-loaded', key: 0, error: refusal, defunct: false });
    return stage;
  }

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

  it('costs no thread when its run leaves before it is told', async () => {
    const stage = await startRefused();
    stage.open(0);
    await stage.stream.evict(0, new Error('quarantine'));
    expect([stage.thread().terminated, stage.stream.available]).toEqual([false, true]);
    await Promise.resolve();
    expect(stage.told).toEqual([]);
  });

  it('is what its run is told when the thread dies in the same moment', async () => {
    const stage = await startRefused();
    stage.open(0);
    stage.thread().die(new Error('idle'));
    await Promise.resolve();
    expect(stage.told).toMatchObject([{ slot: 0, kind: 'segment', status: 'failed', error: refusal }]);
  });

  it('leaves nothing for the thread to be given up for', async () => {
    const stage = await startRefused();
    const thread = stage.thread();
    stage.open(0);
    stage.stream.abandon(0, new Error('drain limit'));
    await Promise.resolve();
    expect(thread.terminated).toBe(false);
    expect(stage.told).toMatchObject([{ slot: 0, kind: 'segment', status: 'failed', error: refusal }]);
  });

  it('fails its run once, when a replacement refuses it with a segment on the way', async () => {
    const stage = await startLoaded();
    await load(stage, 1);
    stage.thread().die(new Error('first death'));
    stage.open(0);
    stage.thread().tell({ type: 'ready' });
    stage.thread().tell({ type: 'not-loaded', key: 0, error: refusal, defunct: false });
    stage.thread().tell({ type: 'loaded', key: 1, fallbacks: [] });
    const segment = stage.thread().begin(stage.claims);
    stage.thread().end(segment, { status: 'failed', error: refusal });
    stage.stream.close(0, false);
    stage.open(1, 1);
    stage.thread().end(stage.thread().begin(stage.claims));
    expect(stage.told).toMatchObject([
      { slot: 0, status: 'failed', error: refusal },
      { slot: 1, status: 'completed' },
    ]);
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

describe('a program whose load traps', () => {
  const trap = { code: 'KERNEL_FAILED', message: 'unreachable' } as const;

  it('on replacements is given up after two of them, and runs of others go on', async () => {
    const stage = await startLoaded();
    await load(stage, 1);
    stage.thread().die(new Error('idle'));
    stage.open(0, 0);
    stage.open(1, 1);
    let traps = 0;
    while (stage.thread().posted.some((message) => message.type === 'load' && message.key === 0)) {
      const { length } = stage.threads;
      stage.thread().tell({ type: 'ready' });
      stage.thread().tell({ type: 'not-loaded', key: 0, error: trap, defunct: true });
      expect(++traps).toBeLessThan(10);
      while (stage.threads.length === length) await Promise.resolve();
    }
    expect(traps).toBe(2);
    stage.thread().tell({ type: 'ready' });
    stage.thread().loadAll();
    const innocent = stage.thread().begin(stage.claims);
    expect(innocent.key).toBe(1);
    await Promise.resolve();
    stage.thread().end(innocent);
    expect(stage.told).toMatchObject([
      { slot: 0, kind: 'segment', status: 'failed', error: trap },
      { slot: 1, kind: 'segment', status: 'completed' },
    ]);
    expect([stage.stream.broken, stage.stream.available]).toEqual([undefined, true]);
  });

  it('is refused to whoever compiles it, however often, and the stream goes on', async () => {
    const stage = startStream();
    for (let key = 0; key < 20; key++) {
      const { length } = stage.threads;
      stage.thread().tell({ type: 'ready' });
      const refused = rejection(stage.stream.load(key, program, NO_CONSTANTS));
      stage.thread().tell({ type: 'not-loaded', key, error: trap, defunct: true });
      expect((await refused).code).toBe('KERNEL_FAILED');
      while (stage.threads.length === length) await Promise.resolve();
      expect(stage.thread().posted).toEqual([]);
    }
    expect([stage.stream.broken, stage.stream.replaced]).toEqual([undefined, 20]);
  });
});
