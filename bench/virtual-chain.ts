/** A chain of kernels of a known duration on the simulated GPU: what its runs take, and how late they stop. */
import {
  type CancellationOption,
  createEngine,
  type Engine,
  type Executable,
  type Graph,
  GraphBuilder,
  type RunOptions,
  type RunReport,
} from '../runtime/index.js';
import type { Fences } from '../scheduler/work-queue.js';
import type { Summary } from './harness.js';
import { seededUniform } from './models/weights.js';

/** The profile with the deepest queue; the chain's own durations take the place of its rates. */
export const PROFILE = 'h200';
/** Kernel durations vary by up to this share either way. */
export const JITTER = 0.05;
/** Of jitter and timeouts. Chains that run equally often draw the same jitter, whatever their mode. */
export const SEED = 1;

const SPEC = { dtype: 'float32', shape: [1] } as const;
const FEEDS = { x: new Float32Array(1) };
/** Complete runs until estimates have settled: the first measures each node with its fence, the others without. */
const LEARNING_RUNS = 3;

/** What is simulated. */
export interface ChainOptions {
  readonly kernelMs: number;
  readonly nodes: number;
  readonly cancellation: CancellationOption;
  /** What waiting leaves in flight; see `DeviceProfile.fences`. */
  readonly fences: Fences;
}

/** What stopped runs left behind. */
export interface Stops {
  /** In the order of the runs. */
  readonly latenessMs: readonly number[];
  /** Most kernels in flight at any time. */
  readonly peakInFlight: number;
}

/** One line of a table. */
export interface Cell {
  readonly kernelMs: number;
  readonly mode: string;
  readonly situation: string;
  /** Duration of complete runs over that in mode `'none'`. */
  readonly overhead: number;
  readonly peakInFlight: number;
  readonly lateness: Summary;
}

/** A duration of microseconds up to milliseconds. */
export function formatKernel(kernelMs: number): string {
  return kernelMs < 1 ? `${Number((kernelMs * 1e3).toFixed(1))} µs` : `${kernelMs} ms`;
}

function unaryChain(nodes: number): Graph {
  const builder = new GraphBuilder();
  let y = builder.input('x', SPEC);
  for (let node = 0; node < nodes; node++) y = builder.kernel('Neg', { x: y });
  builder.output('y', y);
  return builder.build();
}

/** A chain on an engine of its own, whose virtual time starts at 0. */
export class VirtualChain {
  readonly #options: ChainOptions;
  readonly #graph: Graph;
  readonly #timeouts = seededUniform(SEED);
  #engine: Engine | undefined;
  #executable: Executable | undefined;
  #factor = 1;
  #inFlight = 0;
  #peakInFlight = 0;

  constructor(options: ChainOptions) {
    this.#options = options;
    this.#graph = unaryChain(options.nodes);
  }

  /** From now on kernels take `factor` times as long. */
  change(factor: number): void {
    this.#factor = factor;
  }

  /** Compiles the chain anew: nothing of it has been learned. */
  async forget(): Promise<void> {
    this.#engine ??= await this.#createEngine();
    this.#executable?.dispose();
    this.#executable = await this.#engine.compile(this.#graph, { name: 'chain' });
  }

  /** Runs until the costs of kernels that take `factor` times as long are known. */
  async learn(factor = 1): Promise<void> {
    this.change(factor);
    for (let run = 0; run < LEARNING_RUNS; run++) await this.completeMs();
  }

  /** Virtual milliseconds of a complete run. */
  async completeMs(): Promise<number> {
    if (this.#executable === undefined) await this.forget();
    return (await this.#run({})).durationMs;
  }

  /** The lateness of a run that is stopped somewhere in the middle. */
  async stopMs(fullMs: number): Promise<number> {
    const timeoutMs = fullMs * (0.5 + 0.45 * this.#timeouts());
    const { latenessMs } = await this.#run({ timeoutMs, onDeadline: 'partial' });
    if (latenessMs === undefined) throw new Error(`a run with a timeout of ${timeoutMs} ms was not stopped`);
    return latenessMs;
  }

  /** Stops runs at random times; `before` makes each one ready. */
  async stops(count: number, fullMs: number, before?: () => Promise<void>): Promise<Stops> {
    const latenessMs: number[] = [];
    let peakInFlight = 0;
    for (let run = 0; run < count; run++) {
      await before?.();
      this.#peakInFlight = 0;
      latenessMs.push(await this.stopMs(fullMs));
      peakInFlight = Math.max(peakInFlight, this.#peakInFlight);
    }
    return { latenessMs, peakInFlight };
  }

  async close(): Promise<void> {
    await this.#engine?.close();
  }

  #createEngine(): Promise<Engine> {
    return createEngine({
      device: 'virtual',
      virtual: {
        profile: PROFILE,
        fences: this.#options.fences,
        seed: SEED,
        jitter: JITTER,
        kernelMs: () => this.#options.kernelMs * this.#factor,
        log: ({ event, name }) => this.#count(event, name),
      },
    });
  }

  #count(event: string, name: string): void {
    if (!name.startsWith('Neg')) return;
    if (event === 'submit') this.#inFlight++;
    else if (event === 'end') this.#inFlight--;
    this.#peakInFlight = Math.max(this.#peakInFlight, this.#inFlight);
  }

  async #run(options: RunOptions): Promise<RunReport> {
    const { cancellation } = this.#options;
    const { report } = await this.#executable!.run(FEEDS, { ...options, cancellation });
    return report;
  }
}
