/** Scenarios of many runs of two executables, one spread and one on a single stream, that compete for streams. */
import { Chance } from './chance.js';
import { NO_MAIN_FAULTS } from './main-fault.js';
import { randomGraph } from './random-graph.js';
import { longestRunMs, randomFaults, randomProfile } from './random-scenario.js';
import {
  type GraphSpec,
  hangs,
  type KernelSpec,
  type RunSpec,
  type Scenario,
  type WorldSpec,
} from './scenario.js';

/** One of the executables, with its runs. */
export type ExecutableSpec = Scenario & { readonly name: string };

export interface AdmissionScenario {
  readonly world: WorldSpec;
  readonly executables: readonly ExecutableSpec[];
}

const DURATIONS = { leastMs: 0.02, mostMs: 2 };
const PRIORITIES = [0, 0, 0, 1, 2];

/** The same graph with other names of nodes, so that no two graphs share one. */
function rename(graph: GraphSpec, prefix: string): GraphSpec {
  const names = new Set(graph.nodes.map(({ name }) => name));
  const renamed = (reference: string) =>
    names.has(reference.split(':')[0]!) ? `${prefix} ${reference}` : reference;
  return {
    nodes: graph.nodes.map((node) => ({
      ...node,
      name: renamed(node.name),
      inputs: node.inputs.map(renamed),
    })),
    outputs: graph.outputs.map(renamed),
  };
}

/** A kernel on the last lane, so that the graph takes as many streams as it has lanes. */
function onLane(lane: number): KernelSpec {
  return { kind: 'kernel', name: 'last', op: 'Add', inputs: ['x', 'y'], lane, durationMs: 0.1 };
}

function spreadGraph(chance: Chance, lanes: number): GraphSpec {
  const { nodes, outputs } = randomGraph(chance, lanes, DURATIONS);
  return rename({ nodes: [...nodes, onLane(lanes - 1)], outputs: [...outputs, 'last'] }, 'spread');
}

/** Runs that come faster than they are served, some of which give up. */
function randomRuns(chance: Chance, count: number, withinMs: number, stoppable: boolean): readonly RunSpec[] {
  return Array.from({ length: count }, (_, feed) => {
    const givesUp = chance.next() < 0.2;
    return {
      startMs: chance.next() < 0.2 ? 0 : chance.next() * withinMs,
      mode: 'node',
      timeoutMs: stoppable || givesUp ? chance.between(0.1, 2) * withinMs : undefined,
      abortMs: chance.next() < 0.15 ? chance.next() * withinMs : undefined,
      partial: chance.next() < 0.5,
      priority: chance.pick(PRIORITIES),
      timeline: false,
      feed,
    };
  });
}

/** The scenario of a seed. */
export function admissionScenario(seed: number): AdmissionScenario {
  const chance = new Chance(seed);
  const streams = chance.integer(2, 4);
  const spread = spreadGraph(chance, chance.integer(2, streams));
  const single = rename(randomGraph(chance, 1, DURATIONS), 'single');
  const nodes = [...spread.nodes, ...single.nodes];
  const longestMs = longestRunMs(single);
  const faults = chance.next() < 0.3 ? randomFaults(chance, { nodes, outputs: [] }, streams) : [];
  const stalls = hangs(faults);
  const world: WorldSpec = {
    seed,
    streams,
    runsInFlight: chance.integer(1, 2),
    drainLimitMs: stalls ? 4 * longestMs : undefined,
    profile: randomProfile(chance),
    jitter: chance.pick([0, 0.2]),
    faults,
  };
  const withinMs = longestMs * chance.integer(2, 6);
  const common = { world, main: NO_MAIN_FAULTS };
  const runsOf = (count: number) => randomRuns(chance, count, withinMs, stalls);
  return {
    world,
    executables: [
      { name: 'spread', ...common, graph: spread, placement: 'given', runs: runsOf(chance.integer(1, 6)) },
      { name: 'single', ...common, graph: single, placement: 'single', runs: runsOf(chance.integer(5, 40)) },
    ],
  };
}
