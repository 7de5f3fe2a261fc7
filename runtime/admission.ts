/** The one place where runs wait: a bounded queue by priority and by what is free, on p-queue. */
import PQueue from 'p-queue';
import { curfewError } from '../scheduler/errors.js';
import { LoadWatch } from './load-watch.js';
import type { Place, SlotTable } from './slots.js';
import { type Claim, type Room, type WaitingOptions, WaitingRuns } from './waiting-runs.js';

/** What admission wants to know of a run. */
export interface AdmissionRequest extends Claim {
  /** Asked for only when the run has to wait. Aborts when the run gives up waiting; never once it is dispatched. */
  waiting(): AbortSignal;
  /** Called within `admit` when the run is accepted, before it is dispatched. Does not throw. */
  onAccepted(): void;
}

/** Nothing is free, and nothing is lost for good. */
const NO_ROOM: Room = Object.freeze({ free: 0, serving: 0, lasting: Number.POSITIVE_INFINITY });

/** Admits runs: a run starts when it is its turn and its streams are free, and `queueLimit` of them may wait. */
export class Admission {
  readonly #slots: SlotTable;
  readonly #queueLimit: number;
  readonly #waiting: WaitingRuns;
  readonly #queue: PQueue<WaitingRuns, WaitingOptions>;
  readonly #watch: LoadWatch;
  #closed = false;

  constructor(slots: SlotTable, queueLimit: number) {
    this.#slots = slots;
    this.#queueLimit = queueLimit;
    let waiting!: WaitingRuns;
    const room = () => (this.#closed ? NO_ROOM : slots.room);
    // p-queue makes its queue itself. It has no limit of its own: it counts a job as over after its promise has settled,
    // whereas the slots know when a place is free.
    this.#queue = new PQueue<WaitingRuns, WaitingOptions>({
      queueClass: class extends WaitingRuns {
        constructor() {
          super(() => room());
          waiting = this;
        }
      },
    });
    this.#waiting = waiting;
    this.#watch = new LoadWatch(this);
    this.#queue.on('active', () => this.#watch.changed());
    // A job is over, or a run gave up waiting: the one that streams were held for, perhaps.
    this.#queue.on('next', () => {
      this.serve();
      this.#watch.changed();
    });
  }

  /** Runs that wait. */
  get queued(): number {
    return this.#waiting.waiting;
  }

  /** Whether no run waits or is in flight. */
  get idle(): boolean {
    return this.#queue.pending === 0 && this.queued === 0;
  }

  /**
   * Calls `job` with a place as soon as it is the run's turn; at once, within this call, when its streams are free. The
   * job owns the place and gives it back.
   *
   * @throws ENGINE_CLOSED after `close()`; QUEUE_FULL; DEVICE_LOST when fewer streams are left than the run takes; what
   *   the job throws; the reason of `waiting`
   */
  admit(request: AdmissionRequest, job: (place: Place) => Promise<void>): Promise<void> {
    const { priority, lanes } = request;
    if (this.#closed) return Promise.reject(queueClosed());
    this.serve();
    const startsAtOnce = this.#waiting.startsAtOnce(request);
    if (this.queued >= this.#queueLimit && !startsAtOnce)
      return Promise.reject(queueFull(this.#queueLimit, this.queued + 1));
    let accepted = false;
    const accept = () => {
      if (accepted) return;
      accepted = true;
      request.onAccepted();
    };
    const over = this.#queue.add(
      () => {
        const place = this.#slots.take(lanes, this.#onFree);
        accept();
        return job(place);
      },
      startsAtOnce ? { priority, lanes } : { priority, lanes, signal: request.waiting() },
    );
    // One that waits is accepted once it is in the queue: whoever is told may call `run()`, which has to find it there.
    accept();
    return over;
  }

  /** Takes and starts no run any more. Those that wait are to give up. */
  close(): void {
    this.#closed = true;
  }

  /** Starts the runs that can start now. To be called when the streams in service have changed. */
  serve(): void {
    // Setting it makes p-queue look at its queue again.
    if (this.queued > 0) this.#queue.concurrency = Number.POSITIVE_INFINITY;
  }

  /** Resolves once no run waits or is in flight, and the promises of the last ones have settled. */
  onIdle(): Promise<void> {
    return this.#watch.onIdle();
  }

  /**
   * Resolves once fewer than `limit` runs wait; several callers one after the other, so that each can add a run.
   *
   * @throws INVALID_OPTION when `limit` is not a number of 1 or more
   */
  onQueuedBelow(limit: number): Promise<void> {
    return this.#watch.onQueuedBelow(limit);
  }

  /** The run that gave its place back is told of first. */
  #onFree = (): void => {
    if (this.queued > 0) queueMicrotask(() => this.serve());
  };
}

function queueFull(limit: number, received: number): Error {
  const message = `queue: expected ${limit} waiting runs at most (queueLimit), received one more`;
  return curfewError('QUEUE_FULL', message, { expected: limit, received });
}

function queueClosed(): Error {
  return curfewError('ENGINE_CLOSED', 'queue: expected no run after close(), received one');
}
