/** Rounds of runs on real threads that are killed, blocked, aborted, called from listeners and closed at random instants. */
import { existsSync, readdirSync } from 'node:fs';
import { interpret } from '../../kernels/reference/interpret.js';
import { createRandom, type Random } from '../../kernels/virtual/random.js';
import {
  CurfewError,
  createEngine,
  type Engine,
  type Executable,
  type RunOptions,
} from '../../runtime/index.js';
import type { TensorData } from '../../scheduler/tensor.js';
import { ACTIONS, armAction, createWords } from './device.js';
import { FEEDS, stressGraph } from './graph.js';

export interface StressOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** The built `device.js`: workers load it. */
  readonly device: URL;
  onRound?(round: StressRound): void;
}

/** What one engine went through, from its creation until it was closed. */
export interface StressRound {
  readonly round: number;
  /** How many runs ended how: a code, or `'completed'`. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly replaced: number;
  readonly rssBytes: number;
}

export interface StressResult {
  readonly rounds: readonly StressRound[];
  /** What was not as it should be, in words; empty after a good stress. */
  readonly faults: readonly string[];
}

const STREAMS = 2;
const RUNS_PER_ROUND = 120;
/** Share of rounds whose engine is closed in the middle. */
const CLOSES_EARLY = 0.25;
const CALLERS = 8;
const MAX_TIMEOUT_MS = 8;
const MAX_ABORT_TURNS = 30;
const MAX_BLOCKED_MS = 15;
/** A kernel that acts does so within this many kernels. */
const MAX_COUNTDOWN = 60;
/** A thread that has ended is gone from the list of the operating system's soon after. */
const MAX_THREAD_TURNS = 20_000;
/** Of an output's elements, which are below 1: devices round differently. */
const TOLERANCE = 1e-5;
const MODES: readonly RunOptions['cancellation'][] = ['none', 'node', { precisionMs: 0.5 }];
/** Codes that runs may end with. */
const EXPECTED: ReadonlySet<string> = new Set([
  'ABORTED',
  'DEADLINE_EXCEEDED',
  'DEVICE_LOST',
  'KERNEL_FAILED',
  'ENGINE_CLOSED',
  'QUEUE_FULL',
]);

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Threads of the process; `undefined` where the operating system does not tell. */
function countThreads(): number | undefined {
  const tasks = '/proc/self/task';
  return existsSync(tasks) ? readdirSync(tasks).length : undefined;
}

class Round {
  readonly faults: string[] = [];
  readonly outcomes: Record<string, number> = {};
  readonly #engine: Engine;
  readonly #executables: readonly Executable[];
  readonly #random: Random;
  readonly #words: Int32Array;
  readonly #inner: Promise<void>[] = [];
  readonly #expected: TensorData;
  #first: TensorData | undefined;

  constructor(
    engine: Engine,
    executables: readonly Executable[],
    random: Random,
    words: Int32Array,
    expected: TensorData,
  ) {
    this.#expected = expected;
    this.#engine = engine;
    this.#executables = executables;
    this.#random = random;
    this.#words = words;
  }

  async perform(): Promise<number> {
    const constants = this.#engine.stats().bytes.constants;
    await this.#expectComplete();
    for (const name of ['run:queued', 'run:dispatched', 'run:settled', 'stream:replaced'] as const)
      this.#engine.on(name, () => {
        if (this.#random() < 0.01) this.#inner.push(this.#run());
      });
    let left = RUNS_PER_ROUND;
    const caller = async () => {
      while (left-- > 0) await this.#callAndDisturb();
    };
    const callers = Promise.all(Array.from({ length: CALLERS }, caller));
    const closesEarly = this.#random() < CLOSES_EARLY;
    if (closesEarly) await this.#closeSoon();
    await callers;
    for (let index = 0; index < this.#inner.length; index++) await this.#inner[index];
    if (!closesEarly) await this.#checkIdle(constants);
    await this.#engine.close();
    return this.#engine.stats().streams.reduce((sum, { replaced }) => sum + replaced, 0);
  }

  async #closeSoon(): Promise<void> {
    const turns = Math.floor(this.#random() * 300);
    for (let turn = 0; turn < turns; turn++) await nextTurn();
    const how = this.#random();
    if (how < 1 / 3) await this.#engine.destroy();
    else if (how < 2 / 3) await this.#engine.close({ withinMs: this.#random() * 20 });
    else await this.#engine.close();
  }

  async #callAndDisturb(): Promise<void> {
    const disturbance = this.#random();
    if (disturbance < 0.05) {
      const action = Math.floor(this.#random() * ACTIONS.length);
      armAction(this.#words, Math.floor(this.#random() * MAX_COUNTDOWN), action);
    } else if (disturbance < 0.1) {
      const still = new Int32Array(new SharedArrayBuffer(4));
      Atomics.wait(still, 0, 0, this.#random() * MAX_BLOCKED_MS);
    }
    await this.#run();
  }

  async #run(): Promise<void> {
    const fate = this.#random();
    const options: RunOptions = {
      cancellation: this.#pick(MODES),
      timeline: this.#random() < 0.1,
      priority: Math.floor(this.#random() * 3),
      onDeadline: this.#random() < 0.5 ? 'reject' : 'partial',
      timeoutMs: fate < 0.25 ? this.#random() * MAX_TIMEOUT_MS : undefined,
    };
    const controller = new AbortController();
    const aborts = fate > 0.75;
    const run = this.#observe(
      this.#pick(this.#executables).run(FEEDS, aborts ? { ...options, signal: controller.signal } : options),
    );
    if (aborts) await this.#abortLater(controller);
    await run;
  }

  async #abortLater(controller: AbortController): Promise<void> {
    const turns = Math.floor(this.#random() * MAX_ABORT_TURNS);
    for (let turn = 0; turn < turns; turn++) await nextTurn();
    controller.abort();
  }

  async #observe(run: ReturnType<Executable['run']>): Promise<void> {
    try {
      const { outputs, report } = await run;
      this.#count(report.outcome);
      if (outputs['y'] !== undefined) this.#compare(outputs['y'].data);
    } catch (error) {
      const code = error instanceof CurfewError ? error.code : 'no code';
      this.#count(code);
      if (!EXPECTED.has(code)) this.faults.push(`${code}: ${String(error)}`);
    }
  }

  #count(outcome: string): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
  }

  /** Holds an output against the reference's, and against the first one to the bit. */
  #compare(actual: TensorData): void {
    this.#first ??= actual;
    const isWrong = (element: number, index: number) =>
      element !== this.#first![index] || !(Math.abs(element - this.#expected[index]!) < TOLERANCE);
    if (actual.length !== this.#expected.length || actual.some(isWrong))
      this.faults.push('an output is wrong');
  }

  /** Whatever happened before, runs complete, and give what they should. */
  async #expectComplete(): Promise<void> {
    armAction(this.#words, -1, 0);
    for (const executable of this.#executables) {
      const { outputs } = await executable.run(FEEDS);
      this.#compare(outputs['y']!.data);
    }
  }

  async #checkIdle(constants: number): Promise<void> {
    await this.#engine.onIdle();
    // An armed kernel may have made its thread die since.
    await this.#expectComplete().catch((error: unknown) => this.faults.push(`not served: ${String(error)}`));
    await this.#engine.onIdle();
    const { runs, bytes } = this.#engine.stats();
    const left = { ...runs, live: bytes.live, constants: bytes.constants - constants };
    for (const what of ['queued', 'inFlight', 'live', 'constants'] as const)
      if (left[what] !== 0) this.faults.push(`${what} is ${left[what]} when nothing runs`);
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random() * items.length)]!;
  }
}

/** What every run gives, computed by the reference. */
async function expectedOutput(): Promise<TensorData> {
  const graph = stressGraph();
  const { y } = await interpret(graph, { x: { ...graph.inputs['x']!, data: FEEDS.x } });
  return y!.data;
}

async function runRound(
  options: StressOptions,
  round: number,
  seed: number,
  expected: TensorData,
): Promise<StressRound & StressResult> {
  const random = createRandom(seed);
  const words = createWords();
  const engine = await createEngine({
    device: { module: options.device, options: words.buffer },
    streams: STREAMS,
    runsInFlight: 2,
    queueLimit: 16,
    drainLimitMs: 2000,
  });
  const graph = stressGraph();
  const executables = [
    await engine.compile(graph, { name: 'single' }),
    await engine.compile(graph, { name: 'spread', placement: ({ index }) => (index >> 2) % STREAMS }),
  ];
  const current = new Round(engine, executables, random, words, expected);
  const replaced = await current.perform();
  globalThis.gc?.();
  const { outcomes, faults } = current;
  return { round, outcomes, replaced, rssBytes: process.memoryUsage().rss, faults, rounds: [] };
}

/** Waits until no more threads are there than before. Returns what is wrong otherwise. */
async function checkThreads(before: number | undefined): Promise<string[]> {
  for (let turn = 0; turn < MAX_THREAD_TURNS; turn++) {
    if ((countThreads() ?? 0) <= (before ?? 0)) return [];
    await nextTurn();
  }
  return [`${countThreads()} threads after a round, ${before} before`];
}

/** Stresses engine after engine until the time is over. */
export async function runStress(options: StressOptions): Promise<StressResult> {
  const startMs = performance.now();
  const rounds: StressRound[] = [];
  const faults: string[] = [];
  // Rounds of neighboring seeds must have nothing in common.
  const seeds = createRandom(options.seed);
  const expected = await expectedOutput();
  // The first round starts threads of the process's own, which stay.
  let threads: number | undefined;
  do {
    const seed = Math.floor(seeds() * 2 ** 32);
    const { faults: found, ...round } = await runRound(options, rounds.length, seed, expected);
    faults.push(...found.map((fault) => `round ${round.round}: ${fault}`));
    if (rounds.length > 0) faults.push(...(await checkThreads(threads)));
    threads ??= countThreads();
    rounds.push(round);
    options.onRound?.(round);
  } while (performance.now() - startMs < options.durationMs);
  return { rounds, faults };
}
