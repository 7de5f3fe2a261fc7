/** A stream's thread that is a worker thread. */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../scheduler/clock.js';
import { threadExecArgv } from './exec-argv.js';
import { needNotPark, type ParkingThread, parkAtExit } from './exit-parking.js';
import { askToPark, canBeEnded, createParkWord, isFree, type ParkWord } from './parking.js';
import type { FromThread, StreamWorkerData, ToThread } from './protocol.js';
import type { StreamThread, ThreadEvents } from './thread.js';

const workerPath = createRequire(import.meta.url).resolve('#stream-worker');

/** A thread that is asked to park and not idle after this long hangs. */
export const PARK_LIMIT_MS = 2000;
/** The same for a thread that has not said yet whether its device is there: creating one takes a while. */
export const START_LIMIT_MS = 10_000;

class WorkerThread implements StreamThread, ParkingThread {
  readonly word: ParkWord;
  readonly #worker: Worker;
  readonly #events: ThreadEvents;
  readonly #clock: Clock;
  #life: 'starting' | 'started' | 'abandoned' | 'over' = 'starting';
  #failure: Error | undefined;
  #ending: Promise<void> | undefined;
  /** Set while a thread that was asked is waited for. */
  #onParked: (() => void) | undefined;

  constructor(workerData: Omit<StreamWorkerData, 'parking'>, events: ThreadEvents, clock: Clock) {
    this.#events = events;
    this.#clock = clock;
    this.word = createParkWord();
    const data: StreamWorkerData = { ...workerData, parking: this.word };
    this.#worker = new Worker(workerPath, { workerData: data, ...threadExecArgv() });
    this.#worker.on('message', (message: FromThread) => this.#onMessage(message));
    this.#worker.on('error', (error: Error) => {
      this.#failure = error;
    });
    this.#worker.on('exit', (code) => this.#onExit(code));
    parkAtExit(this);
  }

  get isAbandoned(): boolean {
    return this.#life === 'abandoned';
  }

  get #isOver(): boolean {
    return this.#life === 'over';
  }

  post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  wake(): void {
    this.post({ type: 'park' });
  }

  ref(): void {
    if (!this.isAbandoned) this.#worker.ref();
  }

  unref(): void {
    this.#worker.unref();
  }

  terminate(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    this.#worker.ref();
    if (!this.#isOver && askToPark(this.word)) {
      this.wake();
      await this.#parked();
    }
    if (this.#isOver || canBeEnded(this.word)) await this.#worker.terminate();
    else this.#abandon();
  }

  /** Resolves when the thread is parked and idle, is over, or hangs. */
  #parked(): Promise<void> {
    return new Promise((resolve) => {
      const limitMs = this.#life === 'starting' ? START_LIMIT_MS : PARK_LIMIT_MS;
      const cancel = this.#clock.setTimer(limitMs, resolve, true);
      this.#onParked = () => {
        cancel();
        resolve();
      };
    });
  }

  #abandon(): void {
    this.#life = 'abandoned';
    this.#worker.unref();
    this.#events.onExit(new Error('the worker thread hangs in its device and was abandoned'));
  }

  #onMessage(message: FromThread): void {
    if (message.type === 'parked') this.#onPark(message.idle);
    else if (!this.isAbandoned) this.#onStreamMessage(message);
  }

  #onPark(idle: boolean): void {
    if (!idle) return;
    this.#onParked?.();
    if (this.isAbandoned) void this.#worker.terminate();
  }

  #onStreamMessage(message: Exclude<FromThread, { type: 'parked' }>): void {
    if (this.#life === 'starting') this.#onStarted();
    this.#events.onMessage(message);
  }

  /** The first message tells whether there is a device. */
  #onStarted(): void {
    this.#life = 'started';
    if (isFree(this.word)) needNotPark(this);
  }

  #onExit(code: number): void {
    const wasAbandoned = this.isAbandoned;
    this.#life = 'over';
    needNotPark(this);
    this.#onParked?.();
    if (wasAbandoned) return;
    this.#events.onExit(this.#failure ?? new Error(`the worker thread ended with code ${code}`));
  }
}

/** Starts a worker thread with the stream worker in it. @throws what `new Worker` throws, OUT_OF_MEMORY */
export function startWorkerThread(
  workerData: Omit<StreamWorkerData, 'parking'>,
  events: ThreadEvents,
  clock: Clock,
): StreamThread {
  return new WorkerThread(workerData, events, clock);
}
