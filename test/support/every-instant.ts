/** Cancels runs of one graph at every instant at which something happens, and between any two of them. */

import { DEVICE_PROFILES } from '../../kernels/virtual/profiles.js';
import type { Executable } from '../../runtime/executable.js';
import type { Fences } from '../../scheduler/work-queue.js';
import { Reference } from '../simulator/build-graph.js';
import { NO_MAIN_FAULTS } from '../simulator/main-fault.js';
import type { GraphSpec, RunSpec, Scenario, SimulatedMode } from '../simulator/scenario.js';
import { checkRun } from '../simulator/verdict.js';
import type { WatchedRun } from '../simulator/watched-run.js';
import { World } from '../simulator/world.js';
import { allDags, allPlacements, dagGraph, type Lane } from './all-dags.js';

/** What is cancelled, and at which of the instants. */
interface EveryInstant {
  readonly graph: GraphSpec;
  readonly mode: SimulatedMode;
  readonly queueDepth: number;
  readonly fences: Fences;
  /** Every how many instants, and from which on. */
  readonly stride: number;
  readonly offset: number;
}

const UNDISTURBED: Omit<RunSpec, 'mode'> = {
  startMs: 0,
  timeoutMs: undefined,
  abortMs: undefined,
  partial: true,
  priority: 0,
  timeline: false,
  feed: 0,
};

/** Runs until costs are learned: nodes measured one by one, then in windows. */
const WARM_UPS = 3;

class Cancelling {
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #executable: Executable;
  readonly #reference: Reference;
  #feed = 0;

  constructor(scenario: Scenario, world: World, executable: Executable) {
    this.#scenario = scenario;
    this.#world = world;
    this.#executable = executable;
    this.#reference = new Reference(scenario.graph);
  }

  /** When something happens in an undisturbed run, from its start. */
  async instants(mode: SimulatedMode): Promise<readonly number[]> {
    const warmUps = typeof mode === 'object' ? WARM_UPS : 0;
    for (let run = 0; run < warmUps; run++) await this.check([{ ...UNDISTURBED, mode }]);
    const startMs = this.#world.clock.nowMs();
    const { monitor } = this.#world;
    monitor.instantsMs = new Set();
    await this.check([{ ...UNDISTURBED, mode }]);
    const instants = [...monitor.instantsMs].map((atMs) => atMs - startMs);
    monitor.instantsMs = undefined;
    return instants;
  }

  /** Carries the runs out together and checks each of them. */
  async check(specs: readonly RunSpec[]): Promise<readonly WatchedRun[]> {
    const runs = specs.map((spec, index) =>
      this.#world.start(`run ${index + 1}`, this.#executable, { ...spec, feed: this.#nextFeed() }),
    );
    const settled = await this.#world.until(Promise.all(runs));
    for (const run of settled) {
      const expected = await this.#reference.outputs(run.spec.feed);
      const nothingElse = { streamsBroke: false, memoryRefused: false, engineEnded: false };
      checkRun(run, expected, { scenario: this.#scenario, runs: settled, ...nothingElse });
    }
    await this.#world.checkIdle();
    return settled;
  }

  /** Few, so that the interpreter computes each once; runs that follow each other differ. */
  #nextFeed(): number {
    this.#feed = (this.#feed + 1) % 5;
    return this.#feed;
  }
}

function scenarioOf({ graph, queueDepth, fences }: EveryInstant): Scenario {
  return {
    world: {
      seed: 1,
      streams: 2,
      runsInFlight: 2,
      drainLimitMs: undefined,
      profile: { ...DEVICE_PROFILES.h200, queueDepth, fences },
      jitter: 0,
      faults: [],
    },
    graph,
    placement: 'given',
    runs: [],
    main: NO_MAIN_FAULTS,
  };
}

/** An instant, and the one half-way to the next. */
function withMidpoints(instants: readonly number[]): readonly number[] {
  return instants.flatMap((atMs, index) => {
    const nextMs = instants[index + 1];
    return nextMs === undefined ? [atMs] : [atMs, (atMs + nextMs) / 2];
  });
}

/**
 * Aborts a run at each instant, and has its deadline then, in turns; every third time beside another run, which must
 * not notice. Returns the number of cancelled runs.
 *
 * @throws the first broken rule, with the instant
 */
async function cancelAtEveryInstant(what: EveryInstant): Promise<number> {
  const { graph, mode, stride, offset } = what;
  const scenario = scenarioOf(what);
  const durationMs = new Map(graph.nodes.map((node) => [node.name, node.durationMs]));
  const world = await World.open(scenario, (node) => durationMs.get(node)!, false);
  world.monitor.window.watchTime(durationMs, scenario.world.profile);
  const cancelling = new Cancelling(scenario, world, await world.compile(graph, 'given'));
  const instants = withMidpoints(await cancelling.instants(mode));
  const other: RunSpec = { ...UNDISTURBED, mode };
  let cancelled = 0;
  for (let index = offset % stride; index < instants.length; index += stride) {
    const atMs = instants[index]!;
    const stop = cancelled % 2 === 0 ? { abortMs: atMs } : { timeoutMs: atMs };
    const stopped = { ...other, ...stop };
    try {
      await cancelling.check(cancelled % 3 < 2 ? [stopped] : [stopped, other]);
    } catch (error) {
      const how = [graph.nodes, mode, stop].map((part) => JSON.stringify(part)).join(' ');
      throw new Error(`${(error as Error).message}\nwhen cancelling ${how}`, { cause: error });
    }
    cancelled++;
  }
  await cancelling.check([other, { ...UNDISTURBED, mode: 'none' }]);
  await world.until(world.engine.close());
  return cancelled;
}

const FENCES: readonly Fences[] = ['each', 'all'];
const MOST_NODES_ON_BOTH = 3;

/** Which graphs are cancelled, and how densely. */
export interface Everywhere {
  readonly nodes: number;
  readonly lanes: readonly Lane[];
  readonly mode: SimulatedMode;
  /** Every how many placements of a graph, and instants of a run. Default: all of them. */
  readonly placementStride?: number;
  readonly instantStride?: number;
}

/** Every DAG × placement × instant, or an even choice of the latter two. Returns the number of cancelled runs. */
export async function cancelEverywhere(what: Everywhere): Promise<number> {
  const { nodes, lanes, mode, placementStride = 1, instantStride = 1 } = what;
  const placements = allPlacements(nodes, lanes);
  let cancelled = 0;
  for (const [number, dag] of allDags(nodes).entries()) {
    for (let index = number % placementStride; index < placements.length; index += placementStride) {
      // Small graphs on both kinds of devices, large ones in turns.
      const turn = (number + (index >> 1)) % 2;
      for (const fences of nodes <= MOST_NODES_ON_BOTH ? FENCES : [FENCES[turn]!]) {
        cancelled += await cancelAtEveryInstant({
          graph: dagGraph(dag, placements[index]!),
          mode,
          queueDepth: (number + index) % 2 === 0 ? 1000 : 2,
          fences,
          stride: instantStride,
          offset: number + index,
        });
      }
    }
  }
  return cancelled;
}
