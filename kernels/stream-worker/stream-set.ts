/** Starts the streams of a device, whatever threads host them. */
import type { DeviceEvents } from '../../scheduler/device.js';
import { createClaims } from './claims.js';
import { HostedStream } from './hosted-stream.js';
import { createMemoryWords } from './memory-words.js';
import type { StartThread } from './thread.js';

/** What a stream's thread shares with the main thread, and each of its replacements. */
export interface StreamShared {
  /** Where the thread keeps its statistics, see `memory-words.ts`. */
  readonly memory: SharedArrayBuffer;
  /** See `claims.ts`. */
  readonly claims: Int32Array<SharedArrayBuffer>;
}

/** What the streams of a device have in common. */
export interface StreamSetOptions {
  readonly streams: number;
  readonly slots: number;
  readonly memoryLimitBytes: number | undefined;
  readonly events: DeviceEvents;
  /** How the thread of a stream is started. */
  startThread(stream: number, shared: StreamShared): StartThread;
}

/** Streams that are starting. */
export interface StreamSet {
  readonly streams: readonly HostedStream[];
  /** Resolves when every stream is ready; rejects with the error of the first that cannot start. */
  readonly ready: Promise<void>;
}

/** Starts the threads of all streams. */
export function startStreams(options: StreamSetOptions): StreamSet {
  const { promise: ready, resolve, reject } = promiseWithResolvers();
  const streams: HostedStream[] = [];
  const check = () => {
    const broken = streams.find((stream) => stream.broken !== undefined);
    if (broken !== undefined) reject(broken.broken);
    else if (streams.length === options.streams && streams.every((stream) => stream.available)) resolve();
  };
  for (let index = 0; index < options.streams; index++) {
    const memory = createMemoryWords();
    const claims = createClaims(options.slots);
    const start = options.startThread(index, { memory, claims });
    const events = {
      onChange: () => {
        check();
        options.events.onStreamChange(index);
      },
      onReplaced: (reason: Error) => options.events.onStreamReplaced(index, reason),
    };
    streams.push(
      new HostedStream({ index, start, memory, claims, memoryLimitBytes: options.memoryLimitBytes }, events),
    );
  }
  // A stream whose thread could not even be started was broken before it was in the list.
  check();
  return { streams, ready };
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function promiseWithResolvers() {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { promise, resolve, reject };
}
