/** A compiled graph: what callers run. */
import type { Fallback } from '../scheduler/device.js';
import { curfewError, quote } from '../scheduler/errors.js';
import type { TensorSpecs } from '../scheduler/tensor.js';
import type { Feeds } from './feeds.js';
import type { OnDeadline, RunOptions } from './options.js';
import type { RunResult } from './run-result.js';

/** What an executable asks its engine to do. */
export interface ExecutableHost {
  run(feeds: unknown, options: unknown): Promise<RunResult>;
  dispose(): void;
}

/** What an executable says of itself. */
export interface ExecutableInfo<Inputs extends TensorSpecs, Outputs extends TensorSpecs> {
  readonly name: string;
  readonly inputs: Inputs;
  readonly outputs: Outputs;
  readonly streams: number;
  readonly fallbacks: readonly Fallback[];
}

/** A graph compiled for an engine's device. Made by `engine.compile`. */
export class Executable<Inputs extends TensorSpecs = TensorSpecs, Outputs extends TensorSpecs = TensorSpecs>
  implements ExecutableInfo<Inputs, Outputs>
{
  readonly name: string;
  /** Specs of the feeds. */
  readonly inputs: Inputs;
  /** Specs of the outputs. */
  readonly outputs: Outputs;
  /** Streams that one run takes. */
  readonly streams: number;
  /** Nodes that run on another device's kernels because this device lacks theirs. */
  readonly fallbacks: readonly Fallback[];
  readonly #host: ExecutableHost;
  #disposed = false;

  constructor(info: ExecutableInfo<Inputs, Outputs>, host: ExecutableHost) {
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
   * @param feeds a tensor `{ dtype, shape, data }` or a bare typed array for every input. The names are those of a graph
   *   that `trace` made; a graph of which the type knows no names takes any.
   * @param options see `RunOptions`
   * @throws INVALID_FEED, INVALID_OPTION, UNSUPPORTED_OPTION for what is wrong with the call; QUEUE_FULL, ENGINE_CLOSED,
   *   EXECUTABLE_DISPOSED when the run is not accepted; `DeadlineExceededError`, `RunAbortedError` when it is stopped;
   *   KERNEL_FAILED, HOST_NODE_FAILED, OUT_OF_MEMORY, DEVICE_LOST (as `RunError` with the report) when it fails
   * @example
   * const { outputs, report } = await classify.run({ x: pixels }, { timeoutMs: 800, cancellation: { precisionMs: 5 } });
   */
  async run<const Policy extends OnDeadline = 'reject', const Recorded extends boolean = false>(
    feeds: Feeds<Inputs>,
    options: RunOptions<Policy, Recorded> = {},
  ): Promise<RunResult<Outputs, Policy, Recorded>> {
    if (this.#disposed) {
      throw curfewError(
        'EXECUTABLE_DISPOSED',
        `executable ${quote(this.name)}: expected no run after dispose(), received one`,
      );
    }
    return this.#host.run(feeds, options) as Promise<RunResult<Outputs, Policy, Recorded>>;
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
