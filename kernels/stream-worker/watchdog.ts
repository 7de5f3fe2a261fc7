/** The main thread's side of the watchdog: starts its thread, restarts it should it die, ends it. */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { ControlBlock, SharedControls } from './control-block.js';
import { threadExecArgv } from './exec-argv.js';
import type { WatchdogData } from './watchdog-worker.js';

const workerPath = createRequire(import.meta.url).resolve('#watchdog-worker');

/** Keeps the watchdog thread of one engine. The thread never keeps the process alive. */
export class Watchdog {
  readonly #block: ControlBlock;
  readonly #controls: SharedControls;
  #worker: Worker;
  #closed = false;

  constructor(block: ControlBlock, controls: SharedControls) {
    this.#block = block;
    this.#controls = controls;
    this.#worker = this.#start();
  }

  #start(): Worker {
    const workerData: WatchdogData = { buffer: this.#block.buffer, slots: this.#block.slots };
    const worker = new Worker(workerPath, { workerData, ...threadExecArgv() });
    worker.unref();
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      if (!this.#closed) this.#worker = this.#start();
    });
    return worker;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#controls.endWatchdog();
    await this.#worker.terminate();
  }
}
