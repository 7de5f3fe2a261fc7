/** The thread of a stream, as its main-thread side sees it: a worker thread, or a simulated one. */
import type { FromStream, ToStream } from './protocol.js';

/** A running thread. */
export interface StreamThread {
  post(message: ToStream): void;
  /** Whether the thread keeps the process alive. */
  ref(): void;
  unref(): void;
  /**
   * Ends the thread wherever it is. Resolves when it has ended, or was abandoned because it cannot be; keeps the process alive
   * until then.
   */
  terminate(): Promise<void>;
  /** Whether it was to end, hangs where that would take the process down, and is not over yet. */
  readonly isAbandoned: boolean;
}

/** In the place of a thread that could not be started, or is over. */
export const NO_THREAD: StreamThread = Object.freeze({
  post: () => undefined,
  ref: () => undefined,
  unref: () => undefined,
  terminate: () => Promise.resolve(),
  isAbandoned: false,
});

/** What a thread tells. Nothing is told before `StartThread` has returned. */
export interface ThreadEvents {
  onMessage(message: FromStream): void;
  /** The thread has ended, by itself or because it was terminated; or was abandoned. Nothing is told after it. */
  onExit(reason: Error): void;
}

/** Starts a thread. */
export type StartThread = (events: ThreadEvents) => StreamThread;
