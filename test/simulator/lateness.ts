/** The bound of lateness that a simulation checks, from what its nodes really took. */
import type { RunSpec, Scenario } from './scenario.js';
import type { WatchedRun } from './watched-run.js';
import { UNDERESTIMATE_SHARE } from './window-watch.js';

/** Bytes of the largest value. */
const VALUE_BYTES = 8;

/** See `LEAD_MS` of the in-flight window. */
const LEAD_MS = 0.05;

/** Rounding of sums of times. */
const ROUNDING_MS = 1e-6;

/**
 * What a stop costs beside the nodes in flight, at most: the node being submitted, one fence, the copies out of every
 * value, and four messages (a segment on its way, its end, the close and its answer).
 */
function overheadMs({ world, graph }: Scenario): number {
  const { profile } = world;
  const values = 2 * graph.nodes.length;
  return (
    profile.submitMs +
    profile.fenceMs +
    profile.pollMs +
    values * (profile.copyLatencyMs + VALUE_BYTES / profile.copyBytesPerMs) +
    4 * profile.messageMs +
    ROUNDING_MS
  );
}

/** Time that jumped, and host functions that go on after a stop. */
function foreignMs({ world, graph }: Scenario): number {
  const jumps = world.faults.filter((fault) => fault.kind === 'clock-jump');
  const hosts = graph.nodes.filter((node) => node.kind === 'host' && !node.stops);
  const longestHostMs = hosts.reduce((most, { durationMs }) => Math.max(most, durationMs), 0);
  return jumps.reduce((sum, { byMs }) => sum + byMs, 0) + longestHostMs;
}

/** How far durations are from what the stream may have learned: times 2 when they vary. */
function variation({ world }: Scenario): number {
  return world.jitter > 0 || world.faults.some(({ kind }) => kind === 'slow-kernel') ? 2 : 1;
}

/** The time that may be in flight when a run of this mode is stopped. */
function inFlightMs(mode: RunSpec['mode'], run: WatchedRun, scenario: Scenario): number {
  if (mode === 'none') return Number.POSITIVE_INFINITY;
  if (mode === 'node') return run.longestKernelMs;
  const unseenMs = UNDERESTIMATE_SHARE * mode.precisionMs;
  return variation(scenario) * Math.max(mode.precisionMs, run.longestKernelMs) + unseenMs + LEAD_MS;
}

/** The most that a run may be late that does not wait for another run's work. */
export function latenessBoundMs(run: WatchedRun, scenario: Scenario): number {
  const jumpsAndHosts = foreignMs(scenario);
  if (run.dispatchedMs === undefined) return jumpsAndHosts + ROUNDING_MS;
  return inFlightMs(run.spec.mode, run, scenario) + run.copyInMs + overheadMs(scenario) + jumpsAndHosts;
}
