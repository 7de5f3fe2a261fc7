/** What a trace says in figures: runs, nodes by time, and where the time of each stream went. */
import { accountLane } from './lane-account.js';
import { DEVICE_PID } from './lanes.js';
import { formatSummary } from './summary-text.js';
import type { NodeTime, RunSummary, TimelineSummary } from './timeline-summary.js';
import { numberArg, type Slice, slicesOf, type TraceView, textArg } from './trace-view.js';

export type { NodeTime, RunSummary, TimelineSummary } from './timeline-summary.js';

const NS_PER_MS = 1e6;
const durationMs = ({ startNs, endNs }: Slice): number => (endNs - startNs) / NS_PER_MS;

/** Adds up executions that have a key in common. */
function addUp(slices: readonly Slice[], nameOf: (slice: Slice) => string): NodeTime[] {
  const groups = new Map<string, { op: string; count: number; totalMs: number; maxMs: number }>();
  for (const slice of slices) {
    const name = nameOf(slice);
    const group = groups.get(name) ?? { op: textArg(slice, 'op') ?? '', count: 0, totalMs: 0, maxMs: 0 };
    groups.set(name, group);
    group.count++;
    group.totalMs += durationMs(slice);
    group.maxMs = Math.max(group.maxMs, durationMs(slice));
  }
  const totalMs = slices.reduce((sum, slice) => sum + durationMs(slice), 0);
  return [...groups]
    .map(([name, group]) => ({
      name,
      ...group,
      meanMs: group.totalMs / group.count,
      share: totalMs === 0 ? 0 : group.totalMs / totalMs,
    }))
    .sort((a, b) => b.totalMs - a.totalMs);
}

/** Every node with its executions added up, the longest first. */
export function nodeTimes(view: TraceView): readonly NodeTime[] {
  return addUp(slicesOf(view, 'node', 'host'), ({ name }) => name);
}

/** A run's report is what its span carries; a run that was never dispatched has only waited. */
function runSummaries(view: TraceView): RunSummary[] {
  const reports = slicesOf(view, 'run', 'queue').filter((slice) => textArg(slice, 'outcome') !== undefined);
  return reports.map((slice) => ({
    run: numberArg(slice, 'run') ?? 0,
    executable: textArg(slice, 'executable') ?? '',
    outcome: textArg(slice, 'outcome') ?? '',
    queuedMs: numberArg(slice, 'queuedMs') ?? 0,
    durationMs: numberArg(slice, 'durationMs') ?? 0,
    timeoutMs: numberArg(slice, 'timeoutMs'),
    latenessMs: numberArg(slice, 'latenessMs'),
    nodesCompleted: numberArg(slice, 'nodesCompleted') ?? 0,
    nodesTotal: numberArg(slice, 'nodesTotal') ?? 0,
    stoppedBefore: textArg(slice, 'stoppedBefore'),
  }));
}

/** The time that all runs together took, from the first call until the last had settled. */
function extentOf(view: TraceView): { startNs: number; endNs: number } {
  let [startNs, endNs] = [Number.POSITIVE_INFINITY, 0];
  for (const slice of slicesOf(view, 'run', 'queue')) {
    startNs = Math.min(startNs, slice.startNs);
    endNs = Math.max(endNs, slice.endNs);
  }
  return { startNs: Math.min(startNs, endNs), endNs };
}

/** The figures of a trace. */
export function summarise(view: TraceView): TimelineSummary {
  const { startNs, endNs } = extentOf(view);
  const copies = slicesOf(view, 'copy', 'feeds');
  const figures = {
    device: view.device,
    wallMs: (endNs - startNs) / NS_PER_MS,
    runs: runSummaries(view),
    nodes: nodeTimes(view),
    ops: addUp(slicesOf(view, 'node', 'host'), (slice) => textArg(slice, 'op') ?? ''),
    lanes: view.lanes
      .filter(({ pid }) => pid === DEVICE_PID)
      .map((lane) => accountLane(lane, startNs, endNs)),
    copies: {
      count: copies.length,
      bytes: copies.reduce((sum, slice) => sum + (numberArg(slice, 'bytes') ?? 0), 0),
      totalMs: copies.reduce((sum, slice) => sum + durationMs(slice), 0),
    },
    droppedRecords: view.dropped,
  };
  return { ...figures, text: formatSummary(figures) };
}
