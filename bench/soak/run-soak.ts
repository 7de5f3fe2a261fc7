/** Thousands of runs, a third of them stopped at random instants, with an eye on everything that must come back. */
import { getEventListeners } from 'node:events';
import { createRandom, type Random } from '../../kernels/virtual/random.js';
import {
  type CancellationOption,
  CurfewError,
  createEngine,
  type Engine,
  type EngineOptions,
  type EngineStats,
  type Executable,
  type Graph,
  GraphBuilder,
  type RunOptions,
} from '../../runtime/index.js';

/** How long to soak, and in what. */
export interface SoakOptions {
  readonly runs: number;
  /** Runs between two samples. */
  readonly sampleEvery: number;
  readonly seed: number;
  /** Default `'wasm'`. */
  readonly device?: EngineOptions['device'];
  onSample?(sample: SoakSample): void;
}

/** What the engine holds when nothing is in flight. */
export interface SoakSample {
  readonly runs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly stats: EngineStats;
}

/** What became of the runs. */
export interface SoakResult {
  readonly samples: readonly SoakSample[];
  readonly completed: number;
  readonly stopped: number;
  /** What was not as it should be, in words; empty after a good soak. */
  readonly faults: readonly string[];
}

const STREAMS = 2;
const IN_FLIGHT = 8;
const LENGTH = 64;
const NODES = 40;
const SPEC = { dtype: 'float32', shape: [LENGTH, LENGTH] } as const;
/** A stopped run is stopped within this many turns of the event loop, or this time; a whole one takes about as long. */
const MAX_TURNS = 40;
const MAX_TIMEOUT_MS = 6;
const MODES: readonly CancellationOption[] = ['none', 'node', { precisionMs: 0.5 }];

/** Products, sums and host nodes with fan-out and fan-in; `y` is between −1 and 1. */
function soakGraph(): Graph {
  const builder = new GraphBuilder();
  const data = Float32Array.from({ length: LENGTH * LENGTH }, (_, index) => ((index % 7) - 3) / LENGTH);
  const weights = builder.constant('weights', { ...SPEC, data });
  const x = builder.input('x', SPEC);
  const recent = [x, x];
  for (let node = 0; node < NODES; node++) {
    const [older, newer] = recent.slice(-2) as [typeof x, typeof x];
    if (node % 13 === 12) recent.push(halfOnHost(builder, `host${node}`, newer));
    else if (node % 3 === 0) recent.push(builder.kernel('BatchMatMul', { a: newer, b: weights }));
    else recent.push(builder.kernel('Tanh', { x: builder.kernel('Add', { a: older, b: newer }) }));
  }
  builder.output('y', recent.at(-1)!);
  return builder.build();
}

function halfOnHost(builder: GraphBuilder, name: string, value: ReturnType<GraphBuilder['input']>) {
  const { half } = builder.host(name, {
    inputs: { value },
    outputs: { half: SPEC },
    run: async ({ value }, { signal }) => {
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
      return { half: (value!.data as Float32Array).map((element) => element / 2) };
    },
  });
  return half;
}

/** Aborts after some turns of the event loop; timers would only ever fire on whole milliseconds. */
async function abortLater(controller: AbortController, turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
}

class Soak {
  readonly faults: string[] = [];
  completed = 0;
  stopped = 0;
  readonly #executables: readonly Executable[];
  readonly #random: Random;
  readonly #feeds = { x: new Float32Array(LENGTH * LENGTH).fill(0.5) };
  #expected: Float32Array | undefined;

  constructor(executables: readonly Executable[], random: Random) {
    this.#executables = executables;
    this.#random = random;
  }

  /** One run: whole, aborted, or with a deadline. */
  async run(): Promise<void> {
    const executable = this.#pick(this.#executables);
    const options = { cancellation: this.#pick(MODES), timeline: this.#random() < 0.1 };
    const fate = this.#random();
    if (fate < 2 / 3) await this.#observe(executable.run(this.#feeds, options), false);
    else if (fate < 5 / 6) await this.#abort(executable, options);
    else {
      const timeoutMs = this.#random() * MAX_TIMEOUT_MS;
      await this.#observe(executable.run(this.#feeds, { ...options, timeoutMs }), true);
    }
  }

  async #abort(executable: Executable, options: RunOptions): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = abortLater(controller, Math.floor(this.#random() * MAX_TURNS));
    await this.#observe(executable.run(this.#feeds, { ...options, signal }), true);
    if (getEventListeners(signal, 'abort').length > 0) this.faults.push('a listener was left on a signal');
    await aborted;
  }

  async #observe(run: ReturnType<Executable['run']>, mayStop: boolean): Promise<void> {
    try {
      const { outputs } = await run;
      this.completed++;
      this.#compare(outputs['y']!.data as Float32Array);
    } catch (error) {
      this.stopped++;
      const isStop = error instanceof CurfewError && ['ABORTED', 'DEADLINE_EXCEEDED'].includes(error.code);
      if (!mayStop || !isStop) this.faults.push(String(error));
    }
  }

  #compare(actual: Float32Array): void {
    this.#expected ??= actual;
    if (!actual.every((value, index) => value === this.#expected![index]))
      this.faults.push('an output is wrong');
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random() * items.length)]!;
  }
}

function takeSample(runs: number, engine: Engine): SoakSample {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  return { runs, rssBytes: rss, heapBytes: heapUsed, stats: engine.stats() };
}

/** What a sample shows that must not be there when nothing is in flight. */
function faultsOf({ runs, stats }: SoakSample, constantBytes: number): string[] {
  const held = [
    ['bytes live', stats.bytes.live, 0],
    ['runs in flight', stats.runs.inFlight, 0],
    ['runs queued', stats.runs.queued, 0],
    ['slots taken', stats.streams.reduce((sum, { inFlight }) => sum + inFlight, 0), 0],
    ['constant bytes', stats.bytes.constants, constantBytes],
    ['replaced streams', stats.streams.reduce((sum, { replaced }) => sum + replaced, 0), 0],
    ['runs settled', stats.runs.completed + stats.runs.aborted + stats.runs.deadlineExceeded, runs],
  ] as const;
  return held
    .filter(([, actual, expected]) => actual !== expected)
    .map(([what, actual, expected]) => `after ${runs} runs: ${actual} ${what}, expected ${expected}`);
}

/** Soaks an engine of two streams; runs of one and of two streams, eight at a time. */
export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const { runs, sampleEvery, seed, device, onSample } = options;
  await using engine = await createEngine({ device, streams: STREAMS });
  const graph = soakGraph();
  const executables = await Promise.all([
    engine.compile(graph, { name: 'single', modes: MODES }),
    engine.compile(graph, {
      name: 'spread',
      modes: MODES,
      placement: ({ index }) => (index >> 2) % STREAMS,
    }),
  ]);
  const constantBytes = engine.stats().bytes.constants;
  const soak = new Soak(executables, createRandom(seed));
  const samples: SoakSample[] = [];
  for (let done = 0; done < runs; ) {
    const target = Math.min(runs, done + sampleEvery);
    let next = done;
    const worker = async () => {
      while (next++ < target) await soak.run();
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
    done = target;
    const sample = takeSample(done, engine);
    samples.push(sample);
    soak.faults.push(...faultsOf(sample, constantBytes));
    onSample?.(sample);
  }
  return { samples, completed: soak.completed, stopped: soak.stopped, faults: soak.faults };
}
