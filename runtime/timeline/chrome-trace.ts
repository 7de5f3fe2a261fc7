/** Timelines in the Trace Event format, for Perfetto, chrome://tracing and speedscope. */
import { formatSpec } from '../../scheduler/tensor.js';
import { countersOf } from './counters.js';
import { flowsOf } from './flows.js';
import { DEVICE_PID, Rows } from './rows.js';
import { showNodes } from './text.js';
import {
  type Replacement,
  stopMsOf,
  type TimelineData,
  type TimelineNode,
  type TimelineSource,
  type TimelineSpan,
} from './timeline-data.js';
import { type ChromeTrace, instant, sortEvents, span, type TraceEvent, toNs, toUs } from './trace-event.js';

/** Names of skipped nodes in the list; the count covers all of them. */
const MAX_NAMES = 100;

const titleOf = ({ run, report }: TimelineData): string => `${report.executable} #${run}`;

/** The run waits and is in flight. Its report becomes the arguments; which nodes fall back, their own arguments say. */
function lifeOf(run: TimelineData, rows: Rows): TraceEvent[] {
  const { calledMs, dispatchedMs, settledMs, report } = run;
  const row = rows.run(run);
  const args = { ...report, fallbacks: report.fallbacks.length };
  if (dispatchedMs === undefined)
    return [span(`queued ${titleOf(run)}`, 'queue', row, calledMs, settledMs, args)];
  return [
    span(`queued ${titleOf(run)}`, 'queue', row, calledMs, dispatchedMs, { run: run.run }),
    span(titleOf(run), 'run', row, dispatchedMs, settledMs, args),
  ];
}

function skippedEvent(run: TimelineData, rows: Rows): TraceEvent[] {
  const { skipped: names, report, settledMs } = run;
  const count = report.nodesTotal - report.nodesCompleted;
  if (count === 0) return [];
  const more = names.length > MAX_NAMES ? { more: names.length - MAX_NAMES } : {};
  const args = { skipped: count, names: names.slice(0, MAX_NAMES), ...more };
  return [instant(`skipped: ${showNodes(count)}`, 'skipped', rows.stop(run), settledMs, 't', args)];
}

/** The deadline or the abort, how late the run settled after it, and what it skipped. */
function stopOf(run: TimelineData, rows: Rows): TraceEvent[] {
  const { report, deadlineMs, abortedMs, settledMs } = run;
  const events: TraceEvent[] = [];
  const row = rows.run(run);
  if (deadlineMs !== undefined && deadlineMs <= settledMs) {
    const args = { run: run.run, timeoutMs: report.timeoutMs };
    events.push(instant('deadline', 'deadline', row, deadlineMs, 'p', args));
  }
  if (abortedMs !== undefined) events.push(instant('abort', 'abort', row, abortedMs, 'p', { run: run.run }));
  const stopMs = stopMsOf(run);
  if (stopMs === undefined) return events;
  const { latenessMs, outcome, stoppedBefore } = report;
  const args = { run: run.run, outcome, latenessMs, stoppedBefore };
  const fromMs = Math.min(stopMs, settledMs);
  events.push(span('lateness', 'lateness', rows.stop(run), fromMs, settledMs, args));
  return [...events, ...skippedEvent(run, rows)];
}

function momentsOf(run: TimelineData, rows: Rows): TraceEvent[] {
  return run.moments.map(({ kind, stream, atMs, node }) => {
    const row = stream === undefined ? rows.run(run) : rows.thread(stream);
    const name = {
      stop: `stopped before ${node}`,
      failure: `${node} failed`,
      replaced: `lost stream ${stream}`,
    }[kind];
    return instant(name, kind, row, atMs, kind === 'replaced' ? 'p' : 't', { run: run.run, node });
  });
}

function nodeEvent(node: TimelineNode, run: TimelineData, rows: Rows): TraceEvent {
  const { name, op, fallback, stream, startMs, endMs, scheduledMs, inputs, outputs, bytesLive, isEstimated } =
    node;
  return span(name, stream === undefined ? 'host' : 'node', rows.node(node), startMs, endMs, {
    op,
    fallback,
    stream,
    run: run.run,
    inputs: inputs.map(formatSpec),
    outputs: outputs.map(formatSpec),
    scheduledUs: scheduledMs === undefined ? undefined : toUs(toNs(scheduledMs)),
    bytesLive,
    estimated: isEstimated ? true : undefined,
  });
}

/** Draining begins at the deadline at the earliest, even if a timer fires early. */
function spanEvent(timed: TimelineSpan, run: TimelineData, rows: Rows): TraceEvent {
  const { kind, name, startMs, endMs, bytes, stream } = timed;
  const fromMs = kind === 'drain' ? Math.max(startMs, stopMsOf(run) ?? startMs) : startMs;
  const cat = kind === 'copy in' || kind === 'copy out' ? 'copy' : kind;
  return span(name, cat, rows.span(timed, run), fromMs, Math.max(fromMs, endMs), {
    run: run.run,
    stream,
    bytes,
  });
}

function replacementEvent({ stream, atMs }: Replacement, rows: Rows): TraceEvent {
  return instant(`stream ${stream} replaced`, 'replaced', rows.stream(stream), atMs, 'p', { stream });
}

/** Exports some runs of one engine. */
export function toChromeTrace({ device, runs, replacements, dropped }: TimelineSource): ChromeTrace {
  const rows = new Rows(device, runs);
  const events = runs.flatMap((run) => [
    ...lifeOf(run, rows),
    ...run.spans.map((timed) => spanEvent(timed, run, rows)),
    ...run.nodes.map((node) => nodeEvent(node, run, rows)),
    ...momentsOf(run, rows),
    ...stopOf(run, rows),
  ]);
  const gaps =
    dropped === 0
      ? []
      : [instant(`${dropped} records dropped`, 'dropped', { pid: DEVICE_PID, tid: 0 }, 0, 'p', { dropped })];
  return {
    displayTimeUnit: 'ms',
    otherData: { producer: 'curfew', device, droppedRecords: dropped },
    traceEvents: [
      ...rows.labels(),
      ...sortEvents([
        ...events,
        ...gaps,
        ...replacements.map((replacement) => replacementEvent(replacement, rows)),
        ...flowsOf(runs, rows),
        ...countersOf(runs),
      ]),
    ],
  };
}
