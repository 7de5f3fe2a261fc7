/** The queue of one stream on the simulated device: in order, of bounded depth, one piece of work at a time. */
import type { CurfewError } from '../../scheduler/errors.js';
import type { SlotIndex } from '../../scheduler/stream.js';
import type { VirtualClock } from './virtual-clock.js';

/** A piece of work on the device: a kernel, a copy, a release in stream order. */
export interface QueuedWork {
  readonly name: string;
  readonly durationMs: number;
  /** Whether a fence has shown that it is over: until then nobody may read what it makes. */
  fenced: boolean;
  /** What the device does when the work ends. May return the error the work ends with. */
  execute(): CurfewError | undefined;
  /** Told when the work executed, once it is over. */
  readonly onTime: ((startMs: number, endMs: number) => void) | undefined;
}

/** Work that was submitted for a slot's run. */
export interface Submission {
  readonly work: QueuedWork;
  readonly slot: SlotIndex | undefined;
  done: boolean;
}

/** Where a stream's work is told. */
export type QueueLog = (event: string, name: string, slot: SlotIndex | undefined) => void;

export class DeviceQueue {
  readonly #clock: VirtualClock;
  readonly #depth: number;
  readonly #log: QueueLog;
  readonly #pending: Submission[] = [];
  /** Work that no fence has covered yet, in order. */
  #unfenced: Submission[] = [];
  #waiting: { reached(): boolean; resume(): void } | undefined;
  #running = false;
  #stalled = false;
  #ended = false;
  #error: CurfewError | undefined;

  constructor(clock: VirtualClock, depth: number, log: QueueLog) {
    this.#clock = clock;
    this.#depth = depth;
    this.#log = log;
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0;
  }

  get isFull(): boolean {
    return this.#pending.length >= this.#depth;
  }

  submit(work: QueuedWork, slot: SlotIndex | undefined): Submission {
    const submission: Submission = { work, slot, done: false };
    this.#pending.push(submission);
    this.#unfenced.push(submission);
    this.#start();
    return submission;
  }

  /** The error of the first work that failed since the last call. */
  takeError(): CurfewError | undefined {
    const error = this.#error;
    this.#error = undefined;
    return error;
  }

  /** Calls back once this work, and with it all before it, has ended. One caller waits at a time. */
  whenDone(submission: Submission, resume: () => void): void {
    this.#waitUntil(() => submission.done, resume);
  }

  /** Calls back once there is room for one more. */
  whenRoom(resume: () => void): void {
    this.#waitUntil(() => !this.isFull, resume);
  }

  /** A fence has found this work, and with it all before it, over. */
  fenced(submission: Submission): void {
    const covered = this.#unfenced.indexOf(submission) + 1;
    for (const { work } of this.#unfenced.splice(0, covered)) work.fenced = true;
  }

  /** Nothing ends any more: a hung device. */
  stall(): void {
    this.#stalled = true;
  }

  /** The device is gone; nothing calls back any more. */
  end(): void {
    this.#ended = true;
  }

  #waitUntil(reached: () => boolean, resume: () => void): void {
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
    const startMs = this.#clock.nowMs();
    this.#clock.setTimer(next.work.durationMs, () => this.#finish(next, startMs));
  }

  #finish(submitted: Submission, startMs: number): void {
    if (this.#ended || this.#stalled) return;
    this.#running = false;
    this.#pending.shift();
    submitted.done = true;
    const error = submitted.work.execute();
    submitted.work.onTime?.(startMs, this.#clock.nowMs());
    this.#log(error === undefined ? 'end' : 'error', submitted.work.name, submitted.slot);
    this.#error ??= error;
    this.#start();
    this.#checkWaiting();
  }
}
