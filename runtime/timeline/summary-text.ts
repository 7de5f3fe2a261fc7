/** A summary as text for a terminal. */
import { MAX_STREAMS } from '../../scheduler/limits.js';
import { showBytes, showMs, showName, showShare, table } from './text.js';
import type { FallbackTime, NodeTime, TimelineSummary } from './timeline-summary.js';
import type { RunSummary } from './timeline-view.js';

const MAX_NODES = 10;
const MAX_OPS = 5;
const MAX_RUNS = 10;
/** Rows that the device of an engine can have. Only files that Curfew did not write have more. */
const MAX_ROWS = 2 * MAX_STREAMS;

function describeRun({ executable, run, outcome, ...figures }: RunSummary): string {
  const { queuedMs, durationMs, timeoutMs, latenessMs, nodesCompleted, nodesTotal, stoppedBefore } = figures;
  const deadline = timeoutMs === undefined ? '' : `, deadline after ${showMs(timeoutMs)}`;
  const late = latenessMs === undefined ? '' : `, ${showMs(latenessMs)} late`;
  const before = stoppedBefore === undefined ? '' : `, stopped before ${showName(stoppedBefore)}`;
  const skipped = nodesTotal - nodesCompleted;
  return (
    `${showName(executable)} #${run}: ${showName(outcome)}; queued ${showMs(queuedMs)}, ran ${showMs(durationMs)}${deadline}${late}\n` +
    `  ${nodesCompleted} of ${nodesTotal} nodes executed, ${skipped} skipped${before}`
  );
}

/** Sums several runs up: how many had each outcome, and the worst lateness. */
function describeRuns(runs: readonly RunSummary[]): string {
  const counts = new Map<string, number>();
  for (const { outcome } of runs) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const outcomes = [...counts].map(([outcome, count]) => `${count} ${showName(outcome)}`).join(', ');
  const latest = runs.reduce((most, { latenessMs }) => Math.max(most, latenessMs ?? 0), 0);
  const longest = runs.reduce((most, { queuedMs }) => Math.max(most, queuedMs), 0);
  return `${runs.length} runs: ${outcomes}; latest ${showMs(latest)} late, longest wait ${showMs(longest)}`;
}

/** Says how many lines a table leaves out. */
function showRest(count: number, most: number): string {
  return count > most ? `\n… and ${count - most} more` : '';
}

function nodeTable(what: string, nodes: readonly NodeTime[], most: number): string {
  const rows = nodes
    .slice(0, most)
    .map(({ name, op, count, totalMs, meanMs, share, isEstimated }) => [
      showName(name),
      showName(op),
      String(count),
      isEstimated ? `~${showMs(totalMs)}` : showMs(totalMs),
      isEstimated ? `~${showMs(meanMs)}` : showMs(meanMs),
      showShare(share),
    ]);
  return table([what, 'op', 'count', 'total', 'mean', 'share'], rows, 2) + showRest(nodes.length, most);
}

function opTable(ops: readonly NodeTime[]): string {
  const rows = ops
    .slice(0, MAX_OPS)
    .map(({ name, count, totalMs, share }) => [
      showName(name),
      String(count),
      showMs(totalMs),
      showShare(share),
    ]);
  return table(['op', 'count', 'total', 'share'], rows, 1);
}

function fallbackTable(fallbacks: readonly FallbackTime[]): string {
  const rows = fallbacks
    .slice(0, MAX_OPS)
    .map(({ op, device, count, totalMs, share }) => [
      showName(op),
      showName(device),
      String(count),
      showMs(totalMs),
      showShare(share),
    ]);
  return (
    table(['fallback', 'kernels of', 'count', 'total', 'share'], rows, 2) +
    showRest(fallbacks.length, MAX_OPS)
  );
}

function rowTable({ rows }: Pick<TimelineSummary, 'rows'>): string {
  const header = ['row', 'busy', 'nodes', 'copies', 'submits', 'waits', 'gaps', 'before', 'between', 'after'];
  const lines = rows
    .slice(0, MAX_ROWS)
    .map((row) => [
      showName(row.row),
      showShare(row.busyShare),
      ...[row.nodesMs, row.copiesMs, row.submitsMs, row.waitsMs, row.gapsMs].map(showMs),
      ...[row.beforeMs, row.betweenMs, row.afterMs].map(showMs),
    ]);
  return table(header, lines, 1) + showRest(rows.length, MAX_ROWS);
}

/** Writes a summary for a terminal. */
export function formatSummary(summary: Omit<TimelineSummary, 'text'>): string {
  const { device, wallMs, runs, nodes, ops, fallbacks, copies, droppedRecords } = summary;
  const warning =
    droppedRecords === 0
      ? []
      : [`INCOMPLETE: ${droppedRecords} records were dropped; allow more with maxRecords.`];
  return [
    ...warning,
    ...(runs.length > 1 ? [describeRuns(runs)] : []),
    ...runs.slice(0, MAX_RUNS).map(describeRun),
    ...(runs.length > MAX_RUNS ? [`… and ${runs.length - MAX_RUNS} more runs`] : []),
    '',
    `Where ${showMs(wallMs)} on ${showName(device)} went`,
    rowTable(summary),
    '',
    `Copied ${showBytes(copies.bytes)} in ${copies.count} copies, ${showMs(copies.totalMs)}.`,
    '',
    nodeTable('top nodes', nodes, MAX_NODES),
    '',
    opTable(ops),
    ...(fallbacks.length > 0 ? ['', fallbackTable(fallbacks)] : []),
  ].join('\n');
}
