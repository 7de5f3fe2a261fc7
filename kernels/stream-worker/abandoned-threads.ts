/** Threads of a stream that hang where they cannot be ended. */
import type { StreamThread } from './thread.js';

/** A stream that has as many is broken, not given another thread to hang in. */
const MAX_ABANDONED = 4;

export class AbandonedThreads {
  #threads: StreamThread[] = [];

  /** Called when a thread is given up, or over. */
  note(thread: StreamThread): void {
    if (thread.isAbandoned) this.#threads.push(thread);
  }

  /** How many there are now. One that comes back from where it hung is ended. */
  get count(): number {
    this.#threads = this.#threads.filter(({ isAbandoned }) => isAbandoned);
    return this.#threads.length;
  }

  get areTooMany(): boolean {
    return this.count >= MAX_ABANDONED;
  }
}
