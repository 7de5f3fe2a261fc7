/** Waiting runs, as a queue for p-queue: which of them goes next, by priority and by what is free. */
import type { Queue, QueueAddOptions } from 'p-queue';
import { invariant } from '../scheduler/errors.js';
import { PriorityList } from './priority-list.js';

/**
 * How often a run may be overtaken by runs behind it because its streams are not free together. A run that needs
 * several streams would starve among runs that need one; if nothing ever overtook it, streams would stand idle beside
 * it. Beyond the bound, freed streams are held for it, each idle for one run's time at most; eight overtakers before that
 * keep this cost to about a ninth of a stream's time, and delay it by eight runs.
 */
export const MAX_OVERTAKEN = 8;

/** Streams of an engine, as waiting runs look at them. Each count includes the one above it. */
export interface Room {
  /** Streams that can take a run now. */
  readonly free: number;
  /** Streams in service, free or busy: those that are being replaced are not. */
  readonly serving: number;
  /** Streams in service or coming back. */
  readonly lasting: number;
}

/** What decides when a run goes. */
export interface Claim {
  /** The higher goes first; equals go in order of the calls. */
  readonly priority: number;
  /** Streams the run takes, all at once. */
  readonly lanes: number;
}

/** What `PQueue.add` takes for a run. */
export type WaitingOptions = QueueAddOptions & Claim;

type Start = () => Promise<unknown>;

interface WaitingRun extends Claim {
  readonly start: Start;
  readonly id: string | undefined;
  /** Runs behind it that went first while it could have gone, had they left their streams to it. */
  overtaken: number;
}

/**
 * The next run is the first in the order of priorities and calls that finds its streams free, so that none waits behind
 * one that cannot start; unless one in front of it has been overtaken `maxOvertaken` times: then whatever becomes free is
 * held for that one. A run that needs more streams than are in service is passed without counting and holds nothing,
 * because no freed stream would help it. One that needs more than will ever be again goes at once, to fail.
 */
export class WaitingRuns implements Queue<Start, WaitingOptions> {
  readonly #room: () => Room;
  readonly #maxOvertaken: number;
  readonly #runs = new PriorityList<WaitingRun>();
  /** How many wait for each number of streams: tells at a glance that none can start. */
  readonly #counts = new Map<number, number>();

  constructor(room: () => Room, maxOvertaken = MAX_OVERTAKEN) {
    this.#room = room;
    this.#maxOvertaken = maxOvertaken;
  }

  /** Runs that wait. */
  get waiting(): number {
    return this.#runs.length;
  }

  /** What p-queue goes by: 0 while none can start, and it waits. */
  get size(): number {
    return this.#runs.length > 0 && this.#next(this.#room()) >= 0 ? 1 : 0;
  }

  /** The defaults are for p-queue's type: admission gives priority and lanes of each run. */
  enqueue(start: Start, { priority = 0, lanes = 1, id }: Partial<WaitingOptions> = {}): void {
    this.#runs.insert({ start, id, priority, lanes, overtaken: 0 });
    this.#count(lanes, 1);
  }

  dequeue(): Start | undefined {
    const room = this.#room();
    const index = this.#next(room);
    if (index < 0) return undefined;
    const { start, lanes } = this.#take(index);
    for (let ahead = 0; ahead < index && lanes <= room.lasting; ahead++) {
      const passed = this.#runs.at(ahead);
      if (passed.lanes <= room.serving) passed.overtaken++;
    }
    return start;
  }

  /** Whether a run that came now would go at once. All that can start have started. */
  startsAtOnce({ priority, lanes }: Claim): boolean {
    const room = this.#room();
    if (lanes > room.lasting) return true;
    if (lanes > room.free) return false;
    const holder = this.#runs.findIndex((run) => this.#holds(run, room));
    return holder < 0 || this.#runs.placeOf(priority) <= holder;
  }

  remove(id: string): void {
    const index = this.#runs.findIndex((run) => run.id === id);
    if (index >= 0) this.#take(index);
  }

  /** p-queue's `sizeBy` asks for it; nobody calls that. */
  filter({ priority }: Readonly<Partial<WaitingOptions>>): Start[] {
    return [...this.#runs].filter((run) => run.priority === priority).map(({ start }) => start);
  }

  /** p-queue's `setPriority` asks for it; nobody calls that. */
  setPriority(): void {
    invariant(false, 'a run keeps its priority while it waits');
  }

  /** Index of the run that goes next, or −1. */
  #next(room: Room): number {
    let fits = false;
    for (const lanes of this.#counts.keys()) {
      if (lanes > room.lasting) return this.#runs.findIndex((run) => run.lanes > room.lasting);
      fits ||= lanes <= room.free;
    }
    if (!fits) return -1;
    const index = this.#runs.findIndex((run) => run.lanes <= room.free || this.#holds(run, room));
    return this.#runs.at(index).lanes <= room.free ? index : -1;
  }

  /** Whether what becomes free is held for a run that does not fit. */
  #holds({ lanes, overtaken }: WaitingRun, { serving }: Room): boolean {
    return overtaken >= this.#maxOvertaken && lanes <= serving;
  }

  #take(index: number): WaitingRun {
    const run = this.#runs.take(index);
    this.#count(run.lanes, -1);
    return run;
  }

  #count(lanes: number, change: number): void {
    const count = (this.#counts.get(lanes) ?? 0) + change;
    if (count === 0) this.#counts.delete(lanes);
    else this.#counts.set(lanes, count);
  }
}
