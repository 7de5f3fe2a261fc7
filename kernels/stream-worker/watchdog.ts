/** The main thread's side of the watchdog: starts its thread, restarts it should it die, ends it. */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../scheduler/clock.js';
import type { ControlBlock, SharedControls } from './control-block.js';
import { threadExecArgv } from './exec-argv.js';
import type { WatchdogData } from './watchdog-worker.js';

const workerPath = createRequire(import.meta.url).resolve('#watchdog-worker');

/**
 * Deaths after which it is not started again: whatever ends it does so each time. Runs are then stopped by the main
 * thread's timers alone, and may be late while it is blocked.
 */
const MAX_DEATHS = 8;

/** One that has run for this long has done its work: its death counts as the first. */
const SERVED_MS = 60_000;

/** Keeps the watchdog thread of one engine. The thread never keeps the process alive. */
export class Watchdog {
  readonly #block: ControlBlock;
  readonly #controls: SharedControls;
  readonly #clock: Clock;
  #startedMs = 0;
  #worker: Worker | undefined;
  #deaths = 0;
  #closed = false;

  /** @throws what `new Worker` throws */
  constructor(block: ControlBlock, controls: SharedControls, clock: Clock) {
    this.#block = block;
    this.#controls = controls;
    this.#clock = clock;
    this.#worker = this.#start();
  }

  /** Whether there is one. */
  get isRunning(): boolean {
    return this.#worker !== undefined && !this.#closed;
  }

  #start(): Worker {
    const workerData: WatchdogData = { buffer: this.#block.buffer, slots: this.#block.slots };
    this.#startedMs = this.#clock.nowMs();
    const worker = new Worker(workerPath, { workerData, ...threadExecArgv() });
    worker.unref();
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      if (!this.#closed) this.#restart();
    });
    return worker;
  }

  #restart(): void {
    this.#worker = undefined;
    if (this.#clock.nowMs() - this.#startedMs >= SERVED_MS) this.#deaths = 0;
    if (++this.#deaths >= MAX_DEATHS) return;
    try {
      this.#worker = this.#start();
    } catch {
      // There is none any more, as after too many deaths.
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#controls.endWatchdog();
    await this.#worker?.terminate();
  }
}
