import { describe, expect, it } from 'vitest';
import { type Place, SlotTable } from '../runtime/slots.js';
import { MAX_OVERTAKEN, type Room, WaitingRuns } from '../runtime/waiting-runs.js';
import { AdmissionRules, type RuledRun } from './simulator/admission-rules.js';
import { thrown } from './support/catch-error.js';
import { fakeStreams } from './support/fake-stream.js';
import { createRandom, type Random } from './support/random.js';
import { seeds, withSeed } from './support/seed.js';

function violate(message: string): never {
  throw new Error(message);
}

/** Streams, and a queue that is served as p-queue serves it, at once; the rules look on. */
class Desk {
  readonly streams;
  readonly #table: SlotTable;
  readonly #queue: WaitingRuns;
  readonly #rules: AdmissionRules;
  readonly waiting: RuledRun[] = [];
  readonly inFlight: Place[] = [];
  readonly started: string[] = [];
  #nextId = 1;

  constructor(streams: number, runsInFlight: number, maxOvertaken: number) {
    this.streams = fakeStreams(streams);
    this.#table = new SlotTable(this.streams, runsInFlight);
    this.#queue = new WaitingRuns(() => this.#table.room, maxOvertaken);
    this.#rules = new AdmissionRules(violate, maxOvertaken);
  }

  get room(): Room {
    return this.#table.room;
  }

  add(lanes: number, priority = 0): void {
    const run = { name: String(this.#nextId++), lanes, priority };
    const atOnce = this.#queue.startsAtOnce(run);
    if (atOnce !== this.#rules.wouldStart(run, this.room)) violate(`${run.name} starts at once: ${atOnce}`);
    this.waiting.push(run);
    this.#rules.queued(run);
    const start = () => {
      this.#start(run);
      return Promise.resolve();
    };
    this.#queue.enqueue(start, { ...run, id: run.name });
    this.serve();
    if (atOnce === this.waiting.includes(run)) violate(`${run.name} does not do what was foretold`);
  }

  finish(place: Place): void {
    this.inFlight.splice(this.inFlight.indexOf(place), 1);
    place.giveBack();
    this.serve();
  }

  abort(run: RuledRun): void {
    this.waiting.splice(this.waiting.indexOf(run), 1);
    this.#rules.left(run);
    this.#queue.remove(run.name);
    this.serve();
  }

  /** A stream is being replaced, or is back. */
  toggle(stream: number): void {
    const it = this.streams[stream]!;
    it.available = !it.available && it.broken === undefined;
    this.serve();
  }

  break(stream: number): void {
    this.streams[stream]!.break();
    this.serve();
  }

  serve(): void {
    while (this.#queue.size > 0) void this.#queue.dequeue()!();
    if (this.#queue.dequeue() !== undefined) violate('a queue of size 0 gives no run');
    if (this.#queue.waiting !== this.waiting.length) violate('the queue counts the runs that wait');
    this.#rules.atRest(this.room);
  }

  /** All streams serve that are not broken, and every run ends: then none waits. */
  drain(): void {
    for (const stream of this.streams) stream.available = stream.broken === undefined;
    this.serve();
    for (const place of this.inFlight) this.finish(place);
    while (this.inFlight.length > 0) this.finish(this.inFlight[0]!);
    if (this.waiting.length > 0) violate(`${this.waiting.map(({ name }) => name)} wait for ever`);
  }

  #start(run: RuledRun): void {
    const { room } = this;
    this.waiting.splice(this.waiting.indexOf(run), 1);
    if (run.lanes > room.lasting) {
      this.#rules.left(run);
      const error = thrown(() => this.#table.take(run.lanes, () => undefined));
      if (error.code !== 'DEVICE_LOST') throw error;
      return;
    }
    this.inFlight.push(this.#table.take(run.lanes, () => undefined));
    this.#rules.started(run, room);
    this.started.push(run.name);
  }
}

type Operation = (desk: Desk) => void;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  'add a single': (desk) => desk.add(1),
  'add an urgent single': (desk) => desk.add(1, 1),
  'add a pair': (desk) => desk.add(2),
  'add an urgent pair': (desk) => desk.add(2, 1),
  'end the first': (desk) => desk.inFlight.length > 0 && desk.finish(desk.inFlight[0]!),
  'end the last': (desk) => desk.inFlight.length > 0 && desk.finish(desk.inFlight.at(-1)!),
  'abort the first': (desk) => desk.waiting.length > 0 && desk.abort(desk.waiting[0]!),
  'abort the last': (desk) => desk.waiting.length > 0 && desk.abort(desk.waiting.at(-1)!),
  'stream 0 goes or comes': (desk) => desk.toggle(0),
  'stream 1 breaks': (desk) => desk.break(1),
};

/** All sequences of so many operations, from an engine whose streams are busy and where a pair waits. */
function tryAll(depth: number, streams: number, runsInFlight: number): number {
  const names = Object.keys(OPERATIONS);
  const count = names.length ** depth;
  for (let number = 0; number < count; number++) {
    const chosen = Array.from(
      { length: depth },
      (_, digit) => names[Math.floor(number / names.length ** digit) % names.length]!,
    );
    try {
      const desk = new Desk(streams, runsInFlight, 1);
      for (let place = 0; place < streams * runsInFlight; place++) desk.add(1);
      desk.add(2);
      for (const name of chosen) OPERATIONS[name]!(desk);
      desk.drain();
    } catch (error) {
      throw new Error(`${chosen.join(', ')}: ${(error as Error).message}`, { cause: error });
    }
  }
  return count;
}

function randomOperations(random: Random): void {
  const streams = random.integer(1, 5);
  const desk = new Desk(streams, random.integer(1, 3), random.integer(0, 3));
  for (let operation = 0; operation < 100; operation++) {
    const dice = random.next();
    if (dice < 0.45) desk.add(random.integer(1, streams), random.integer(0, 2) / 2);
    else if (dice < 0.85) {
      if (desk.inFlight.length > 0) desk.finish(random.pick(desk.inFlight));
    } else if (dice < 0.93) {
      if (desk.waiting.length > 0) desk.abort(random.pick(desk.waiting));
    } else if (dice < 0.995) desk.toggle(random.integer(0, streams - 1));
    else desk.break(random.integer(0, streams - 1));
  }
  desk.drain();
}

describe('waiting runs', () => {
  it('do not wait behind one that cannot start', () => {
    const desk = new Desk(2, 1, MAX_OVERTAKEN);
    desk.add(1);
    desk.add(2);
    desk.add(1);
    expect(desk.started).toEqual(['1', '3']);
    expect(desk.waiting.map(({ name }) => name)).toEqual(['2']);
  });

  it('are overtaken a bounded number of times, after which freed streams are held for them', () => {
    const desk = new Desk(2, 1, MAX_OVERTAKEN);
    desk.add(1);
    desk.add(2);
    for (let single = 0; single < 20; single++) desk.add(1);
    while (desk.waiting.some(({ lanes }) => lanes === 2)) desk.finish(desk.inFlight.at(-1)!);
    expect(desk.started).toEqual(['1', '3', '4', '5', '6', '7', '8', '9', '10', '2']);
    expect(MAX_OVERTAKEN).toBe(8);
  });

  it('of a higher priority start though streams are held for one of a lower', () => {
    const desk = new Desk(2, 1, 0);
    desk.add(1);
    desk.add(2);
    desk.add(1);
    desk.add(1, 1);
    expect(desk.started).toEqual(['1', '4']);
  });

  it('hold nothing any more once they have given up', () => {
    const desk = new Desk(2, 1, 0);
    desk.add(1);
    desk.add(2);
    desk.add(1);
    expect(desk.started).toEqual(['1']);
    desk.abort(desk.waiting[0]!);
    expect(desk.started).toEqual(['1', '3']);
  });

  it('hold nothing, and lose nothing, while a stream they need is being replaced', () => {
    const desk = new Desk(2, 1, 1);
    desk.toggle(1);
    desk.add(2);
    for (let single = 0; single < 5; single++) {
      desk.add(1);
      desk.finish(desk.inFlight[0]!);
    }
    expect(desk.started).toEqual(['2', '3', '4', '5', '6']);
    desk.toggle(1);
    expect(desk.started.at(-1)).toBe('1');
  });

  it('that need streams which are gone for good go at once, past all others', () => {
    const desk = new Desk(2, 1, 0);
    for (const lanes of [1, 1, 1, 2]) desk.add(lanes);
    desk.break(0);
    expect(desk.waiting.map(({ lanes }) => lanes)).toEqual([1]);
  });

  it('are found by their priority, which they keep', () => {
    const queue = new WaitingRuns(() => ({ free: 0, serving: 1, lasting: 1 }));
    const starts = [0, 1, 1].map((priority, index) => {
      const start = () => Promise.resolve(index);
      queue.enqueue(start, { priority, lanes: 1, id: String(index) });
      return start;
    });
    expect(queue.filter({ priority: 1 })).toEqual(starts.slice(1));
    expect(thrown(() => queue.setPriority())).toMatchObject({ code: 'INTERNAL' });
    queue.remove('7');
    queue.remove('1');
    expect(queue.filter({ priority: 1 })).toEqual(starts.slice(2));
  });

  it('keep the rules in every sequence of five operations', () => {
    expect(tryAll(5, 2, 1)).toBe(10 ** 5);
  });

  it('keep them in every sequence of four operations on three streams of two places', () => {
    expect(tryAll(4, 3, 2)).toBe(10 ** 4);
  });

  it('keep them in random sequences', async () => {
    for (const seed of seeds(2000)) await withSeed(seed, () => randomOperations(createRandom(seed)));
  });
});
