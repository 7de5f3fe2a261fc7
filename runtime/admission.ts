/** Which run goes next: a bounded queue by priority, on p-queue. */
import PQueue from 'p-queue';
import { curfewError } from '../scheduler/errors.js';
import type { Place, SlotTable } from './slots.js';

/** What admission wants to know of a run. */
export interface AdmissionRequest {
  readonly priority: number;
  /** Streams the run takes. */
  readonly lanes: number;
  /** Aborts when the run gives up waiting; never once it is dispatched, or its place would be free too early. */
  readonly waiting: AbortSignal;
  /** Called when the run is accepted, before it waits or is dispatched. */
  onAccepted(): void;
}

/** Admits runs: at most as many at once as there are slots, `queueLimit` of them waiting. */
export class Admission {
  readonly #queue: PQueue;
  readonly #slots: SlotTable;
  readonly #queueLimit: number;

  constructor(slots: SlotTable, concurrency: number, queueLimit: number) {
    this.#slots = slots;
    this.#queueLimit = queueLimit;
    this.#queue = new PQueue({ concurrency });
  }

  /** Runs that wait. */
  get queued(): number {
    return this.#queue.size + this.#slots.waiting;
  }

  /**
   * Runs `job` with a place as soon as it is its turn; at once, within this call, when a place is free. The place is
   * given back when the job settles.
   *
   * @throws QUEUE_FULL; what the job throws; the reason of `waiting`
   */
  admit(request: AdmissionRequest, job: (place: Place) => Promise<void>): Promise<void> {
    const { priority, waiting, lanes } = request;
    const mustWait = this.#queue.pending >= this.#queue.concurrency || this.#slots.waiting > 0;
    if (mustWait && this.queued >= this.#queueLimit) {
      const message = `queue: expected ${this.#queueLimit} waiting runs at most (queueLimit), received one more`;
      return Promise.reject(
        curfewError('QUEUE_FULL', message, { expected: this.#queueLimit, received: this.queued + 1 }),
      );
    }
    request.onAccepted();
    return this.#queue.add(
      async () => {
        const place = this.#slots.tryTake(lanes) ?? (await this.#slots.take(lanes, waiting));
        try {
          await job(place);
        } finally {
          this.#slots.give(place);
        }
      },
      { priority, signal: waiting },
    );
  }
}
