/** The queue of one stream on the simulated device: in order, of bounded depth, one piece of work at a time. */
import type { CurfewError } from '../../scheduler/errors.js';
import type { SlotIndex } from '../../scheduler/stream.js';
import type { VirtualClock } from './virtual-clock.js';

/** A piece of work on the device: a kernel, or a copy to it. */
export interface QueuedWork {
  readonly name: string;
  readonly durationMs: number;
  /** Its place in the queue, from 1; 0 until it is submitted. */
  place: number;
  /** What the device does when the work ends. May return the error the work ends with. */
  execute(): CurfewError | undefined;
  /** Told when the work executed, once it is over. */
  readonly onTime: ((startMs: number, endMs: number) => void) | undefined;
}

interface Submission {
  readonly work: QueuedWork;
  readonly slot: SlotIndex | undefined;
  /** Until the work itself starts once it is its turn. */
  readonly leadMs: number;
}

/** Where a stream's work is told. */
export type QueueLog = (event: string, name: string, slot: SlotIndex | undefined) => void;

export class DeviceQueue {
  readonly #clock: VirtualClock;
  readonly #depth: number;
  readonly #log: QueueLog;
  readonly #pending: Submission[] = [];
  readonly #failures: { readonly place: number; readonly error: CurfewError }[] = [];
  #submitted = 0;
  #waiting: { reached(): boolean; resume(): void } | undefined;
  #losesWakeUp = false;
  #running = false;
  #stalled = false;
  #ended = false;

  constructor(clock: VirtualClock, depth: number, log: QueueLog) {
    this.#clock = clock;
    this.#depth = depth;
    this.#log = log;
  }

  /** Place of the last work submitted. */
  get last(): number {
    return this.#submitted;
  }

  /** Place up to which all work is over. */
  get done(): number {
    return this.#submitted - this.#pending.length;
  }

  submit(work: QueuedWork, slot: SlotIndex | undefined, leadMs = 0): void {
    work.place = ++this.#submitted;
    this.#pending.push({ work, slot, leadMs });
    this.#log('submit', work.name, slot);
    this.#start();
  }

  /** Whether work of the slot is in flight that `counts`. */
  hasWorkOf(slot: SlotIndex | undefined, counts: (work: QueuedWork) => boolean): boolean {
    return !this.#ended && this.#pending.some((other) => other.slot === slot && counts(other.work));
  }

  /** Whether work up to a place ended with an error that was not taken yet. */
  hasError(place: number): boolean {
    const first = this.#failures[0];
    return first !== undefined && first.place <= place;
  }

  /** The first error of work up to a place that was not taken before. */
  takeError(place: number): CurfewError | undefined {
    const first = this.#failures[0];
    if (first === undefined || first.place > place) return undefined;
    // What failed after it, up to the same place, follows from it.
    while (this.#failures.length > 0 && this.#failures[0]!.place <= place) this.#failures.shift();
    return first.error;
  }

  /** Calls back once all work up to the place is over. One caller waits at a time. */
  whenDone(place: number, resume: () => void): void {
    this.#waitUntil(() => this.done >= place, resume);
  }

  /** Calls back once there is room for one more. */
  whenRoom(resume: () => void): void {
    this.#waitUntil(() => this.#pending.length < this.#depth, resume);
  }

  /** Nothing ends any more: a hung device. */
  stall(): void {
    this.#stalled = true;
  }

  /** The next caller who has to wait is never called back, though the work ends. */
  loseWakeUp(): void {
    this.#losesWakeUp = true;
  }

  /** The device is gone; nothing calls back any more. */
  end(): void {
    this.#ended = true;
  }

  #waitUntil(reached: () => boolean, resume: () => void): void {
    if (!reached() && this.#losesWakeUp) {
      this.#losesWakeUp = false;
      return;
    }
    this.#waiting = { reached, resume };
    this.#checkWaiting();
  }

  #checkWaiting(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#ended || !waiting.reached()) return;
    this.#waiting = undefined;
    waiting.resume();
  }

  #start(): void {
    const next = this.#pending[0];
    if (this.#running || this.#stalled || this.#ended || next === undefined) return;
    this.#running = true;
    this.#log('start', next.work.name, next.slot);
    const startMs = this.#clock.nowMs() + next.leadMs;
    this.#clock.setTimer(next.leadMs + next.work.durationMs, () => this.#finish(next, startMs));
  }

  #finish({ work, slot }: Submission, startMs: number): void {
    if (this.#ended || this.#stalled) return;
    this.#running = false;
    this.#pending.shift();
    const error = work.execute();
    work.onTime?.(startMs, this.#clock.nowMs());
    this.#log(error === undefined ? 'end' : 'error', work.name, slot);
    if (error !== undefined) this.#failures.push({ place: work.place, error });
    this.#start();
    this.#checkWaiting();
  }
}
