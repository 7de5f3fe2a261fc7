/** Carries out a scenario, and checks every rule: after each event, of each run, and at the end. */
import type { Executable } from '../../runtime/executable.js';
import { expectExceptions } from '../support/expected-exceptions.js';
import { Reference } from './build-graph.js';
import type { GoneFeed } from './main-fault.js';
import { randomScenario } from './random-scenario.js';
import { type GraphSpec, hangs, type RunSpec, type Scenario } from './scenario.js';
import { type Circumstances, checkRun } from './verdict.js';
import type { WatchedRun } from './watched-run.js';
import { LISTENER_ERROR, World } from './world.js';

/** What a simulation leaves behind. */
export interface SimulationResult {
  /** The first broken rule. */
  readonly failure: Error | undefined;
  /** Every event, when it was to be kept. */
  readonly log: readonly string[];
  readonly runs: number;
}

/** A graph that no fault hits, to see that each stream still serves. */
const PROBE: GraphSpec = {
  nodes: [{ kind: 'kernel', name: 'probe', op: 'Add', inputs: ['x', 'y'], lane: 0, durationMs: 0.1 }],
  outputs: ['probe'],
};

/** A run to see that all is well. It has a deadline where a hung stream can only be noticed by a stop. */
function freshRun(feed: number, hangs: boolean): RunSpec {
  return {
    startMs: 0,
    mode: 'node',
    timeoutMs: hangs ? 10_000 : undefined,
    abortMs: undefined,
    partial: false,
    priority: 0,
    timeline: false,
    feed,
  };
}

/** How often a fresh run may be hit by what is left of the faults. */
function attemptsOf({ world, graph, main }: Scenario): number {
  const times = world.faults.map((fault) => ('times' in fault ? (fault.times ?? 1) : 1));
  const hosts = graph.nodes.map((node) => (node.kind === 'host' ? node.failures : 0));
  const odd = main.oddHost === undefined ? 0 : 1;
  return [...times, ...hosts, odd].reduce((sum, count) => sum + count, 1);
}

class Simulation {
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #reference: Reference;
  readonly #seen: WatchedRun[] = [];
  readonly #inCallbacks: Promise<WatchedRun>[] = [];

  constructor(scenario: Scenario, world: World) {
    this.#scenario = scenario;
    this.#world = world;
    this.#reference = new Reference(scenario.graph);
  }

  get runs(): number {
    return this.#seen.length;
  }

  async perform(): Promise<void> {
    const { graph, placement, runs } = this.#scenario;
    const executable = await this.#world.compile(graph, placement);
    const probe = await this.#world.compile(PROBE, 'single');
    this.#runInCallbacks(executable);
    const memoryIsBack = this.#world.refuseAllocations();
    try {
      const ending = this.#endLater();
      const settled = runs.map((_, index) => this.#startLater(index, executable));
      await this.#world.until(Promise.all(settled));
      await this.#world.until(ending);
      await this.#world.until(this.#allCallbacks());
    } finally {
      memoryIsBack();
    }
    this.#world.onCallback = undefined;
    await this.#checkAll();
    if (this.#world.ended) return;
    await this.#serveAgain(executable);
    await this.#probeStreams(probe);
    await this.#world.checkIdle();
    executable.dispose();
    probe.dispose();
    await this.#world.until(this.#world.engine.close());
  }

  #startLater(index: number, executable: Executable): Promise<WatchedRun> {
    const { runs, main } = this.#scenario;
    const spec = runs[index]!;
    const gone = main.goneFeeds.find(({ run }) => run === index);
    return new Promise((resolve) => {
      this.#world.clock.setTimer(spec.startMs, () => {
        resolve(this.#start(`run ${index + 1}`, executable, spec, gone));
      });
    });
  }

  /** Closes the engine when the scenario says so. Resolves when it is closed, or at once. */
  #endLater(): Promise<void> {
    const { end } = this.#scenario.main;
    if (end === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#world.clock.setTimer(end.atMs, () => resolve(this.#world.end(end)));
    });
  }

  #runInCallbacks(executable: Executable): void {
    this.#world.onCallback = () => {
      const number = this.#inCallbacks.length + 1;
      const run = this.#start(`inner run ${number}`, executable, freshRun(50 + number, this.#hangs));
      this.#inCallbacks.push(run);
    };
  }

  /** The last runs of callbacks may call others in theirs. */
  async #allCallbacks(): Promise<void> {
    for (let index = 0; index < this.#inCallbacks.length; index++) await this.#inCallbacks[index];
  }

  async #start(name: string, executable: Executable, spec: RunSpec, gone?: GoneFeed): Promise<WatchedRun> {
    const run = await this.#world.start(name, executable, spec, gone);
    this.#seen.push(run);
    return run;
  }

  get #circumstances(): Circumstances {
    const streamsBroke = this.#world.brokenStreams > 0;
    const memoryRefused = this.#world.refused > 0;
    const { ended } = this.#world;
    return { scenario: this.#scenario, runs: this.#seen, streamsBroke, memoryRefused, engineEnded: ended };
  }

  async #checkAll(): Promise<void> {
    for (const run of this.#seen) {
      const expected = await this.#reference.outputs(run.spec.feed);
      checkRun(run, expected, this.#circumstances);
    }
    await this.#world.checkIdle();
  }

  /** Once the faults have spent themselves a run of the same graph completes. */
  async #serveAgain(executable: Executable): Promise<void> {
    const attempts = attemptsOf(this.#scenario);
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const spec = freshRun(100 + attempt, this.#hangs);
      const run = await this.#world.until(this.#start(`fresh run ${attempt}`, executable, spec));
      const expected = await this.#reference.outputs(spec.feed);
      checkRun(run, expected, this.#circumstances);
      if (run.settlement?.report?.outcome === 'completed') return;
    }
    if (this.#world.brokenStreams === 0) throw new Error(`none of ${attempts} fresh runs completed`);
  }

  get #hangs(): boolean {
    return hangs(this.#scenario.world.faults);
  }

  /** One run per stream at once: each of them serves. */
  async #probeStreams(probe: Executable): Promise<void> {
    const spec = freshRun(0, this.#hangs);
    for (let attempt = 0; attempt < attemptsOf(this.#scenario); attempt++) {
      await this.#world.until(this.#world.streamsReady());
      const serving = this.#scenario.world.streams - this.#world.brokenStreams;
      const runs = Array.from({ length: serving }, (_, index) =>
        this.#world.start(`probe ${attempt + 1}.${index + 1}`, probe, spec),
      );
      const settled = await this.#world.until(Promise.all(runs));
      if (settled.every(({ settlement }) => settlement?.report?.outcome === 'completed')) {
        const streams = new Set(settled.flatMap((run) => [...run.streams]));
        if (streams.size !== serving) throw new Error(`${serving} probes on ${streams.size} streams`);
        return;
      }
    }
    throw new Error('a probe on each stream completes');
  }
}

function kernelDurations({ graph }: Scenario): Map<string, number> {
  return new Map(
    [...graph.nodes, ...PROBE.nodes].flatMap((node) =>
      node.kind === 'kernel' ? [[node.name, node.durationMs]] : [],
    ),
  );
}

/** Whether every kernel takes as long as the first time, so that what a stream has learned is right. */
function isSteady({ world }: Scenario): boolean {
  return (
    world.jitter === 0 && !world.faults.some(({ kind }) => kind === 'slow-kernel' || kind === 'clock-jump')
  );
}

/** Carries out a scenario. Never rejects: what goes wrong is the result's failure. */
export async function simulate(scenario: Scenario, keepsLog = false): Promise<SimulationResult> {
  let world: World | undefined;
  let simulation: Simulation | undefined;
  let failure: Error | undefined;
  const noMoreExceptions = expectExceptions((error) => error === LISTENER_ERROR);
  try {
    const durationMs = kernelDurations(scenario);
    world = await World.open(scenario, (node) => durationMs.get(node)!, keepsLog);
    if (isSteady(scenario)) world.monitor.window.watchTime(durationMs, scenario.world.profile);
    simulation = new Simulation(scenario, world);
    await simulation.perform();
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
  } finally {
    noMoreExceptions();
  }
  return { failure, log: world?.monitor.lines ?? [], runs: simulation?.runs ?? 0 };
}

/** Carries out the scenario of a seed. */
export function simulateSeed(seed: number, keepsLog = false): Promise<SimulationResult> {
  return simulate(randomScenario(seed), keepsLog);
}
