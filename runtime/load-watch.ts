/** Promises about how much there is to do: nothing any more, or few enough waiting runs. */
import { yieldToEventLoop } from '../scheduler/clock.js';
import { invalidOption } from './option-checks.js';

/** What there is to do now. */
export interface Load {
  /** Runs that wait. */
  readonly queued: number;
  /** Whether no run waits or is in flight. */
  readonly idle: boolean;
}

interface Caller {
  readonly limit: number;
  go(): void;
}

/** Keeps those who wait for less to do, until there is. */
export class LoadWatch {
  readonly #load: Load;
  readonly #callers: Caller[] = [];
  #idleCallers: (() => void)[] = [];
  #releasing = false;

  constructor(load: Load) {
    this.#load = load;
  }

  /** To be called whenever there may be less to do. */
  changed(): void {
    if (this.#callers.length > 0) void this.#release();
    if (this.#idleCallers.length === 0 || !this.#load.idle) return;
    const callers = this.#idleCallers;
    this.#idleCallers = [];
    for (const go of callers) go();
  }

  /** Resolves once there is nothing to do, and the promises of the last runs have settled. */
  async onIdle(): Promise<void> {
    do {
      if (!this.#load.idle) await new Promise<void>((go) => this.#idleCallers.push(go));
      await yieldToEventLoop();
    } while (!this.#load.idle);
  }

  /**
   * Resolves once fewer than `limit` runs wait. Several callers go one after the other, in the order of their calls, each
   * after the one before had a turn of the event loop to add its run: all at once they would add too many.
   *
   * @throws INVALID_OPTION when `limit` is not a number of 1 or more
   */
  onQueuedBelow(limit: number): Promise<void> {
    if (typeof limit !== 'number' || !(limit >= 1))
      throw invalidOption('onQueuedBelow', 'a number from 1', limit);
    return new Promise((go) => {
      this.#callers.push({ limit, go });
      void this.#release();
    });
  }

  async #release(): Promise<void> {
    if (this.#releasing) return;
    this.#releasing = true;
    for (let next = this.#takeNext(); next !== undefined; next = this.#takeNext()) {
      next.go();
      await yieldToEventLoop();
    }
    this.#releasing = false;
  }

  #takeNext(): Caller | undefined {
    const index = this.#callers.findIndex(({ limit }) => this.#load.queued < limit);
    return index < 0 ? undefined : this.#callers.splice(index, 1)[0];
  }
}
