/** The thread of a stream, as its main-thread side sees it: a worker thread, or a simulated one. */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { threadExecArgv } from './exec-argv.js';
import type { FromStream, StreamWorkerData, ToStream } from './protocol.js';

/** A running thread. */
export interface StreamThread {
  post(message: ToStream): void;
  /** Whether the thread keeps the process alive. */
  ref(): void;
  unref(): void;
  /** Ends the thread wherever it is. Resolves when it has ended; keeps the process alive until then. */
  terminate(): Promise<void>;
}

/** In the place of a thread that could not be started, or is over. */
export const NO_THREAD: StreamThread = Object.freeze({
  post: () => undefined,
  ref: () => undefined,
  unref: () => undefined,
  terminate: () => Promise.resolve(),
});

/** What a thread tells. Nothing is told before `StartThread` has returned. */
export interface ThreadEvents {
  onMessage(message: FromStream): void;
  /** The thread has ended, by itself or because it was terminated. */
  onExit(reason: Error): void;
}

/** Starts a thread. */
export type StartThread = (events: ThreadEvents) => StreamThread;

const workerPath = createRequire(import.meta.url).resolve('#stream-worker');

/** Starts a real worker thread with the stream worker in it. @throws what `new Worker` throws */
export function startWorkerThread(workerData: StreamWorkerData, events: ThreadEvents): StreamThread {
  const worker = new Worker(workerPath, { workerData, ...threadExecArgv() });
  let failure: Error | undefined;
  worker.on('message', events.onMessage);
  worker.on('error', (error: Error) => {
    failure = error;
  });
  worker.on('exit', (code) =>
    events.onExit(failure ?? new Error(`the worker thread ended with code ${code}`)),
  );
  return {
    post: (message) => worker.postMessage(message),
    ref: () => worker.ref(),
    unref: () => worker.unref(),
    terminate: async () => {
      worker.ref();
      await worker.terminate();
    },
  };
}
