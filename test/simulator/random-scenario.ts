/** Scenarios by chance: the same seed gives the same one. */
import type { VirtualFault } from '../../kernels/virtual/options.js';
import { DEVICE_PROFILES, type DeviceProfile } from '../../kernels/virtual/profiles.js';
import { Chance } from './chance.js';
import { type Durations, randomGraph } from './random-graph.js';
import { randomMainFaults } from './random-main-faults.js';
import { type GraphSpec, hangs, type RunSpec, type Scenario, type SimulatedMode } from './scenario.js';

const PROFILES = Object.values<DeviceProfile>(DEVICE_PROFILES);

/** Nodes and precisions of a scenario: of all sizes, or nodes of which several fit into the window. */
interface Sizes {
  readonly durations: Durations;
  readonly precisionsMs: readonly number[];
}

/** Share of scenarios with a stream that cannot be replaced. */
const IRREPLACEABLE = 0.1;

const ALL_SIZES: Sizes = {
  durations: { leastMs: 0.005, mostMs: 5 },
  precisionsMs: [0.2, 0.5, 1, 2, 5],
};
const SMALL_NODES: Sizes = { durations: { leastMs: 0.02, mostMs: 0.07 }, precisionsMs: [0.5] };

export function randomProfile(chance: Chance): DeviceProfile {
  return {
    ...chance.pick(PROFILES),
    fences: chance.pick(['each', 'all']),
    queueDepth: chance.pick([1, 2, 3, 4, 1000]),
    submitMs: chance.between(0.002, 0.02),
    fenceMs: chance.between(0.002, 0.03),
    messageMs: chance.pick([0.01, 0.02, 0.2]),
  };
}

/** One after the other, all nodes with their transfers: about what a run takes. */
export function longestRunMs(graph: GraphSpec): number {
  return graph.nodes.reduce((sum, { durationMs }) => sum + durationMs + 0.05, 0);
}

function randomMode(chance: Chance, { precisionsMs }: Sizes, stoppable: boolean): SimulatedMode {
  if (chance.next() < 0.4) return 'node';
  if (!stoppable && chance.next() < 0.4) return 'none';
  return { precisionMs: chance.pick(precisionsMs) };
}

/** With `stoppable`, the run has a deadline and a mode that looks at it: a hung stream must not hold it for ever. */
function randomRun(
  chance: Chance,
  sizes: Sizes,
  longestMs: number,
  stoppable: boolean,
  feed: number,
): RunSpec {
  const hasDeadline = stoppable || chance.next() < 0.4;
  return {
    startMs: chance.next() < 0.4 ? 0 : chance.next() * longestMs,
    mode: randomMode(chance, sizes, stoppable),
    timeoutMs: hasDeadline ? (chance.next() < 0.02 ? 0 : chance.next() * longestMs * 1.5) : undefined,
    abortMs: chance.next() < 0.4 ? chance.next() * longestMs * 1.5 : undefined,
    partial: chance.next() < 0.5,
    priority: chance.integer(0, 2),
    timeline: chance.next() < 0.2,
    feed,
  };
}

function randomFault(chance: Chance, graph: GraphSpec, streams: number, longestMs: number): VirtualFault {
  const kernels = graph.nodes.filter(({ kind }) => kind === 'kernel');
  const node = chance.pick(kernels).name;
  const times = chance.integer(1, 3);
  const atMs = 1 + chance.next() * longestMs * 2;
  const stream = chance.integer(0, streams - 1);
  switch (chance.integer(0, 7)) {
    case 0:
      return { kind: 'kernel-error', node, times };
    case 1:
      return { kind: 'submit-error', node, times };
    case 2:
      return { kind: 'slow-kernel', node, times, factor: chance.between(2, 20) };
    case 3:
      return { kind: 'device-lost', stream, atMs };
    case 4:
      return { kind: 'stall', stream, atMs };
    case 5:
      return { kind: 'lost-wake-up', stream, atMs };
    case 6:
      return { kind: 'watchdog', offsetMs: chance.between(-2, 5) };
    default:
      return { kind: 'clock-jump', atMs, byMs: chance.between(0, longestMs) };
  }
}

export function randomFaults(chance: Chance, graph: GraphSpec, streams: number): readonly VirtualFault[] {
  if (chance.next() < 0.5) return [];
  const longestMs = longestRunMs(graph);
  return Array.from({ length: chance.integer(1, 3) }, () => randomFault(chance, graph, streams, longestMs));
}

/** A stream of which no replacement can be started. Drawn last, as it came last: earlier draws stay what they are. */
function randomIrreplaceable(chance: Chance, streams: number): readonly VirtualFault[] {
  if (chance.next() >= IRREPLACEABLE) return [];
  return [{ kind: 'irreplaceable', stream: chance.integer(0, streams - 1) }];
}

/** The scenario of a seed. */
export function randomScenario(seed: number): Scenario {
  const chance = new Chance(seed);
  const streams = chance.integer(1, 3);
  const sizes = chance.next() < 0.25 ? SMALL_NODES : ALL_SIZES;
  const graph = randomGraph(chance, streams, sizes.durations);
  const faults = randomFaults(chance, graph, streams);
  const stalls = hangs(faults);
  const longestMs = longestRunMs(graph);
  const world = {
    seed,
    streams,
    runsInFlight: chance.integer(1, 2),
    drainLimitMs: stalls || chance.next() < 0.1 ? chance.between(1, 3) * longestMs : undefined,
    profile: randomProfile(chance),
    jitter: chance.pick([0, 0, 0.1, 0.3]),
    faults,
  };
  const runs = Array.from({ length: chance.integer(1, 4) }, (_, feed) =>
    randomRun(chance, sizes, longestMs, stalls, feed),
  );
  const placement = chance.pick(['given', 'given', 'single', 'automatic']);
  const main = randomMainFaults(chance, { graph, runs: runs.length, longestMs, stoppable: stalls });
  const allFaults = [...faults, ...randomIrreplaceable(chance, streams)];
  return { world: { ...world, faults: allFaults }, graph, placement, runs, main };
}
