import { describe, expect, it } from 'vitest';
import { MAX_OVERTAKEN } from '../runtime/waiting-runs.js';
import { rejection } from './support/catch-error.js';
import { FrontDesk } from './support/front-desk.js';
import { createRandom, type Random } from './support/random.js';
import { seeds, withSeed } from './support/seed.js';
import { nextTurn } from './support/until.js';

type Operation = (desk: FrontDesk) => void;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  'call a single': (desk) => desk.call(1),
  'call an urgent single': (desk) => desk.call(1, 1),
  'call a pair': (desk) => desk.call(2),
  'end the first': (desk) => {
    const [run] = desk.in('in flight');
    if (run !== undefined) desk.finish(run);
  },
  'end the last': (desk) => {
    const run = desk.in('in flight').at(-1);
    if (run !== undefined) desk.finish(run);
  },
  'abort the first': (desk) => desk.in('waiting')[0]?.controller.abort(new Error('first')),
  'abort the last': (desk) => desk.in('waiting').at(-1)?.controller.abort(new Error('last')),
  'stream 0 goes or comes': (desk) => desk.toggle(0),
  'stream 1 breaks': (desk) => desk.break(1),
};

/** A run waits for all streams and may be overtaken once more; two streams are busy. */
async function whereAWideRunWaits(queueLimit: number, streams = 2): Promise<FrontDesk> {
  const desk = new FrontDesk({ streams, runsInFlight: 1, queueLimit });
  desk.call();
  desk.call(streams);
  for (let single = 1; single < MAX_OVERTAKEN; single++) {
    const run = desk.call();
    if (single < MAX_OVERTAKEN - 1) desk.finish(run);
    await nextTurn();
  }
  await desk.rest();
  return desk;
}

/** All sequences of so many operations. */
async function tryAll(depth: number): Promise<void> {
  const names = Object.keys(OPERATIONS);
  for (let number = 0; number < names.length ** depth; number++) {
    const chosen = Array.from(
      { length: depth },
      (_, digit) => names[Math.floor(number / names.length ** digit) % names.length]!,
    );
    const desk = await whereAWideRunWaits(3);
    try {
      for (const name of chosen) {
        OPERATIONS[name]!(desk);
        await desk.rest();
      }
      await desk.drain();
    } catch (error) {
      throw new Error(`${chosen.join(', ')}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** One operation, or several in a row before anything else happens. */
function operate(desk: FrontDesk, random: Random, streams: number): void {
  const dice = random.next();
  const inFlight = desk.in('in flight').filter(({ place }) => place !== undefined);
  const ending = desk.in('in flight').filter(({ place }) => place === undefined);
  const waiting = desk.in('waiting');
  if (dice < 0.4) desk.call(random.integer(1, streams), random.integer(0, 2) / 2);
  else if (dice < 0.65) {
    if (inFlight.length > 0) desk.finish(random.pick(inFlight));
  } else if (dice < 0.75) {
    if (inFlight.length > 0) desk.giveBack(random.pick(inFlight));
  } else if (dice < 0.85) {
    if (ending.length > 0) random.pick(ending).end();
  } else if (dice < 0.93) {
    if (waiting.length > 0) random.pick(waiting).controller.abort();
  } else if (dice < 0.995) desk.toggle(random.integer(0, streams - 1));
  else desk.break(random.integer(0, streams - 1));
}

/** Promises that were asked for, and what must be true as long as they are pending. */
class Watchers {
  readonly #desk: FrontDesk;
  readonly #pending = new Map<string, () => boolean>();
  #count = 0;

  constructor(desk: FrontDesk) {
    this.#desk = desk;
  }

  ask(random: Random): void {
    const { admission } = this.#desk;
    const name = `promise ${++this.#count}`;
    const settle = () => this.#pending.delete(name);
    if (random.next() < 0.3) {
      this.#pending.set(name, () => !admission.idle);
      admission.onIdle().then(settle);
    } else {
      const limit = random.integer(1, 4);
      this.#pending.set(name, () => admission.queued >= limit);
      admission.onQueuedBelow(limit).then(settle);
    }
  }

  /** After the turns that as many promises may take to resolve one after the other. */
  async check(): Promise<void> {
    const turns = this.#pending.size + 2;
    for (let turn = 0; turn < turns; turn++) await nextTurn();
    for (const [name, mayBePending] of this.#pending)
      if (!mayBePending()) throw new Error(`${name} is pending for no reason`);
  }
}

async function randomOperations(random: Random): Promise<void> {
  const streams = random.integer(1, 4);
  const queueLimit = random.pick([0, 1, 3, 10, Number.POSITIVE_INFINITY]);
  const desk = new FrontDesk({ streams, runsInFlight: random.integer(1, 2), queueLimit });
  const watchers = new Watchers(desk);
  for (let step = 0; step < 60; step++) {
    if (random.next() < 0.1) watchers.ask(random);
    const claim = { lanes: random.integer(1, streams), priority: random.integer(0, 2) / 2 };
    const refuses = desk.wouldRefuse(claim);
    const { state } = desk.call(claim.lanes, claim.priority);
    if ((state === 'refused') !== refuses) throw new Error(`a run is ${state}, refused: ${refuses}`);
    for (let operation = random.integer(0, 4); operation > 0; operation--) operate(desk, random, streams);
    await desk.rest();
    await watchers.check();
  }
  for (const run of desk.in('in flight')) run.end();
  await desk.drain();
  await watchers.check();
}

describe('admission', () => {
  it('keeps the rules in every sequence of three operations', async () => {
    await tryAll(3);
  });

  it('keeps them in random sequences, with promises for whoever waits for less to do', async () => {
    for (const seed of seeds(300)) await withSeed(seed, () => randomOperations(createRandom(seed)));
  });

  it('starts a run within its call when its streams are free', () => {
    const desk = new FrontDesk({ streams: 2, runsInFlight: 1, queueLimit: 0 });
    expect(desk.call(2).state).toBe('in flight');
    expect(desk.call(1).state).toBe('refused');
  });

  it('refuses runs once it is closed, instead of letting them wait for ever', async () => {
    const desk = new FrontDesk({ streams: 1, runsInFlight: 1, queueLimit: 9 });
    desk.admission.close();
    const run = desk.call();
    await nextTurn();
    expect([run.state, run.error]).toMatchObject(['refused', { code: 'ENGINE_CLOSED' }]);
  });

  it('starts as many runs as the end of one makes room for', async () => {
    const desk = new FrontDesk({ streams: 3, runsInFlight: 1, queueLimit: 9 });
    const wide = desk.call(3);
    const singles = [1, 2, 3, 4].map(() => desk.call());
    desk.finish(wide);
    await desk.rest();
    expect(singles.map(({ state }) => state)).toEqual(['in flight', 'in flight', 'in flight', 'waiting']);
    await desk.drain();
  });

  it('serves those behind a run that gives up when streams were held for it', async () => {
    const desk = await whereAWideRunWaits(2);
    desk.finish(desk.in('in flight')[1]!);
    const [last, held, behind] = [desk.call(), desk.call(), desk.call()];
    desk.finish(last);
    await desk.rest();
    expect([held, behind].map(({ state }) => state)).toEqual(['waiting', 'refused']);
    desk.in('waiting')[0]!.controller.abort();
    expect(held.state).toBe('in flight');
    await desk.drain();
  });

  it('serves all of those behind a run that gives up when several streams were held for it', async () => {
    const desk = await whereAWideRunWaits(3, 3);
    desk.finish(desk.call());
    const behind = [desk.call(), desk.call()];
    desk.finish(desk.in('in flight')[1]!);
    await desk.rest();
    expect(behind.map(({ state }) => state)).toEqual(['waiting', 'waiting']);
    desk.in('waiting')[0]!.controller.abort();
    expect(behind.map(({ state }) => state)).toEqual(['in flight', 'in flight']);
    await desk.drain();
  });

  it('starts nothing any more once it is closed, though what streams were held for gives up', async () => {
    const desk = await whereAWideRunWaits(2);
    desk.finish(desk.in('in flight')[1]!);
    const [last, held] = [desk.call(), desk.call()];
    desk.finish(last);
    await desk.rest();
    desk.admission.close();
    for (const run of desk.in('waiting')) run.controller.abort();
    expect(held.state).toBe('waiting');
    for (const run of desk.in('in flight')) desk.finish(run);
    await desk.admission.onIdle();
    expect([held.error, desk.in('over').length]).toEqual([held.controller.signal.reason, desk.runs.length]);
  });

  it('fails every waiting run that needs more streams than are left', async () => {
    const desk = new FrontDesk({ streams: 3, runsInFlight: 1, queueLimit: 9 });
    const first = desk.call(3);
    const waiting = [3, 1, 3, 2].map((lanes) => desk.call(lanes));
    desk.break(2);
    await desk.rest();
    expect(waiting.map(({ state, error }) => error ?? state)).toMatchObject([
      { code: 'DEVICE_LOST' },
      'waiting',
      { code: 'DEVICE_LOST' },
      'waiting',
    ]);
    desk.finish(first);
    await desk.rest();
    expect(waiting[1]!.state).toBe('in flight');
    await desk.drain();
  });

  it('starts the next run when a place is given back after its job has ended', async () => {
    const desk = new FrontDesk({ streams: 1, runsInFlight: 1, queueLimit: 1 });
    const first = desk.call();
    const second = desk.call();
    first.end();
    await desk.rest();
    expect(second.state).toBe('waiting');
    desk.giveBack(first);
    await desk.rest();
    expect(second.state).toBe('in flight');
    await desk.drain();
  });

  it('lets a run take a place that another has just given back, before the other has ended', async () => {
    const desk = new FrontDesk({ streams: 1, runsInFlight: 1, queueLimit: 0 });
    const first = desk.call();
    desk.giveBack(first);
    const second = desk.call();
    expect(second.state).toBe('in flight');
    first.end();
    await desk.rest();
    await desk.drain();
  });

  it('gives a place that was given back to the run that waits for it, not to one that comes', async () => {
    const desk = new FrontDesk({ streams: 1, runsInFlight: 1, queueLimit: 1 });
    const first = desk.call();
    const second = desk.call();
    desk.giveBack(first);
    const third = desk.call();
    expect([second, third].map(({ state }) => state)).toEqual(['in flight', 'waiting']);
    first.end();
    await desk.rest();
    await desk.drain();
  });
});

describe('a run that comes when a place has just been given back', () => {
  it('may wait where another has waited that takes the place', async () => {
    const desk = new FrontDesk({ streams: 2, runsInFlight: 1, queueLimit: 1 });
    const [before] = [desk.call(), desk.call()];
    const first = desk.call();
    desk.giveBack(before!);
    const second = desk.call(2);
    expect([first, second].map(({ state }) => state)).toEqual(['in flight', 'waiting']);
    before!.end();
    await desk.rest();
    await desk.drain();
  });
});

describe('a run that is refused', () => {
  it('is told how many wait', async () => {
    const desk = new FrontDesk({ streams: 1, runsInFlight: 1, queueLimit: 1 });
    for (let run = 0; run < 3; run++) desk.call();
    await desk.rest();
    await expect(rejection(Promise.reject(desk.runs[2]!.error))).resolves.toMatchObject({
      code: 'QUEUE_FULL',
      expected: 1,
      received: 2,
    });
  });
});
