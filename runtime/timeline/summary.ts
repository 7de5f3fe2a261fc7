/** A timeline in figures: runs, nodes by time, and where the time of each stream went. */
import { accountRow } from './row-account.js';
import { DEVICE_PID } from './rows.js';
import { formatSummary } from './summary-text.js';
import type { FallbackTime, NodeTime, TimelineSummary } from './timeline-summary.js';
import { type Slice, slicesOf, type TimelineView } from './timeline-view.js';

export type { FallbackTime, NodeTime, TimelineSummary } from './timeline-summary.js';

const NS_PER_MS = 1e6;
const durationMs = ({ startNs, endNs }: Slice): number => (endNs - startNs) / NS_PER_MS;

const total = (slices: readonly Slice[]): number => slices.reduce((sum, slice) => sum + durationMs(slice), 0);

/** Adds up executions that share a name; shares are of `totalMs`. */
function addUp(
  slices: readonly Slice[],
  nameOf: (slice: Slice) => string,
  totalMs = total(slices),
): NodeTime[] {
  const groups = new Map<
    string,
    { op: string; count: number; totalMs: number; maxMs: number; isEstimated: boolean }
  >();
  for (const slice of slices) {
    const name = nameOf(slice);
    const group = groups.get(name) ?? {
      op: slice.op ?? '',
      count: 0,
      totalMs: 0,
      maxMs: 0,
      isEstimated: false,
    };
    groups.set(name, group);
    group.count++;
    group.totalMs += durationMs(slice);
    group.maxMs = Math.max(group.maxMs, durationMs(slice));
    group.isEstimated ||= slice.isEstimated;
  }
  return [...groups]
    .map(([name, group]) => ({
      name,
      ...group,
      meanMs: group.totalMs / group.count,
      share: totalMs === 0 ? 0 : group.totalMs / totalMs,
    }))
    .sort((a, b) => b.totalMs - a.totalMs);
}

/** Adds up the executions of each node; the node that took longest comes first. */
export function nodeTimes(view: TimelineView): readonly NodeTime[] {
  return addUp(slicesOf(view, ['node', 'host']), ({ name }) => name);
}

/** Adds up what ran on another device's kernels, by op and device. */
function fallbackTimes(executed: readonly Slice[]): readonly FallbackTime[] {
  const totalMs = total(executed);
  const devices = [...new Set(executed.flatMap(({ fallback }) => fallback ?? []))];
  return devices
    .flatMap((device) =>
      addUp(
        executed.filter(({ fallback }) => fallback === device),
        ({ op }) => op ?? '',
        totalMs,
      ).map(({ op, count, totalMs, share }) => ({ op, device, count, totalMs, share })),
    )
    .sort((a, b) => b.totalMs - a.totalMs);
}

/** From the first call until the last run had settled. */
function extentOf(view: TimelineView): { startNs: number; endNs: number } {
  let [startNs, endNs] = [Number.POSITIVE_INFINITY, 0];
  for (const slice of slicesOf(view, ['run', 'queue'])) {
    startNs = Math.min(startNs, slice.startNs);
    endNs = Math.max(endNs, slice.endNs);
  }
  return { startNs: Math.min(startNs, endNs), endNs };
}

/** Sums up a timeline. */
export function summarize(view: TimelineView): TimelineSummary {
  const { startNs, endNs } = extentOf(view);
  const copies = slicesOf(view, ['copy', 'feeds']);
  const executed = slicesOf(view, ['node', 'host']);
  const figures = {
    device: view.device,
    wallMs: (endNs - startNs) / NS_PER_MS,
    runs: slicesOf(view, ['run', 'queue']).flatMap(({ report }) => report ?? []),
    nodes: nodeTimes(view),
    ops: addUp(executed, ({ op }) => op ?? ''),
    fallbacks: fallbackTimes(executed),
    rows: view.rows.filter(({ pid }) => pid === DEVICE_PID).map((row) => accountRow(row, startNs, endNs)),
    copies: {
      count: copies.length,
      bytes: copies.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
      totalMs: total(copies),
    },
    droppedRecords: view.dropped,
  };
  return { ...figures, text: formatSummary(figures) };
}
