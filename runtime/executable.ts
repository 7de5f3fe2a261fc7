/** A compiled graph: what callers run. */
import type { Fallback } from '../scheduler/device.js';
import { curfewError, quote } from '../scheduler/errors.js';
import type { TensorSpec } from '../scheduler/tensor.js';
import type { RunResult } from './executable-run.js';
import type { Feeds } from './feeds.js';
import type { RunOptions } from './options.js';

/** What an executable asks its engine to do. */
export interface ExecutableHost {
  run(feeds: unknown, options: unknown): Promise<RunResult>;
  dispose(): void;
}

/** What an executable says of itself. */
export interface ExecutableInfo {
  readonly name: string;
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  readonly outputs: Readonly<Record<string, TensorSpec>>;
  readonly streams: number;
  readonly fallbacks: readonly Fallback[];
}

/** A graph compiled for an engine's device. Made by `engine.compile`. */
export class Executable implements ExecutableInfo {
  readonly name: string;
  /** Specs of the feeds. */
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  /** Specs of the outputs. */
  readonly outputs: Readonly<Record<string, TensorSpec>>;
  /** Streams that one run takes. */
  readonly streams: number;
  /** Nodes that run on another device's kernels because this device lacks theirs. */
  readonly fallbacks: readonly Fallback[];
  readonly #host: ExecutableHost;
  #disposed = false;

  constructor(info: ExecutableInfo, host: ExecutableHost) {
    this.name = info.name;
    this.inputs = info.inputs;
    this.outputs = info.outputs;
    this.streams = info.streams;
    this.fallbacks = info.fallbacks;
    this.#host = host;
  }

  /**
   * Runs the graph once. Feeds are read when the run is dispatched: leave them unchanged until the promise settles.
   * The promise settles once, after the run's device work is over and its memory is given back.
   *
   * @param feeds a tensor `{ dtype, shape, data }` or a bare typed array for every input
   * @param options see `RunOptions`
   * @throws INVALID_FEED, INVALID_OPTION, UNSUPPORTED_OPTION for what is wrong with the call; QUEUE_FULL, ENGINE_CLOSED,
   *   EXECUTABLE_DISPOSED when the run is not accepted; `DeadlineExceededError`, `RunAbortedError` when it is stopped;
   *   KERNEL_FAILED, HOST_NODE_FAILED, OUT_OF_MEMORY, DEVICE_LOST (as `RunError` with the report) when it fails
   * @example
   * const { outputs, report } = await classify.run({ x: pixels }, { timeoutMs: 800, cancellation: { precisionMs: 5 } });
   */
  async run(feeds: Feeds, options: RunOptions = {}): Promise<RunResult> {
    if (this.#disposed) {
      throw curfewError(
        'EXECUTABLE_DISPOSED',
        `executable ${quote(this.name)}: expected no run after dispose(), received one`,
      );
    }
    return this.#host.run(feeds, options);
  }

  /** Takes no more runs, and frees the constants on the device once the accepted ones have settled. Idempotent. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#host.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
