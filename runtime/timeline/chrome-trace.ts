/** Timelines as Trace Event JSON, for Perfetto and chrome://tracing. */
import { formatSpec } from '../../scheduler/tensor.js';
import { countersOf } from './counters.js';
import { flowsOf } from './flows.js';
import { DEVICE_PID, Lanes } from './lanes.js';
import { showNodes } from './text.js';
import { stopMsOf, type TimelineData, type TimelineNode, type TimelineSpan } from './timeline-data.js';
import {
  type ChromeTrace,
  complete,
  instant,
  sortEvents,
  type TraceEvent,
  toNs,
  toUs,
} from './trace-event.js';

/** Names of skipped nodes that are listed; the count is always given. */
const MAX_NAMES = 100;

/** A stream that was replaced, with no run on it. */
export interface Replacement {
  readonly stream: number;
  readonly atMs: number;
}

/** What a trace is made of. */
export interface TraceSource {
  readonly device: string;
  readonly runs: readonly TimelineData[];
  readonly replacements: readonly Replacement[];
  readonly dropped: number;
}

const titleOf = ({ run, report }: TimelineData): string => `${report.executable} #${run}`;

/** Waiting and being in flight; `report` as arguments. */
function lifeOf(run: TimelineData, lanes: Lanes): TraceEvent[] {
  const { calledMs, dispatchedMs, settledMs, report } = run;
  const lane = lanes.run(run);
  const args = { ...report };
  if (dispatchedMs === undefined)
    return [complete(`queued ${titleOf(run)}`, 'queue', lane, calledMs, settledMs, args)];
  return [
    complete(`queued ${titleOf(run)}`, 'queue', lane, calledMs, dispatchedMs, { run: run.run }),
    complete(titleOf(run), 'run', lane, dispatchedMs, settledMs, args),
  ];
}

function skippedEvent(run: TimelineData, lanes: Lanes): TraceEvent[] {
  const { skipped: names, report, settledMs } = run;
  const count = report.nodesTotal - report.nodesCompleted;
  if (count === 0) return [];
  const more = names.length > MAX_NAMES ? { more: names.length - MAX_NAMES } : {};
  const args = { skipped: count, names: names.slice(0, MAX_NAMES), ...more };
  return [instant(`skipped: ${showNodes(count)}`, 'skipped', lanes.stop(run), settledMs, 't', args)];
}

/** The deadline or the abort, how late the run settled after it, and what it skipped. */
function stopOf(run: TimelineData, lanes: Lanes): TraceEvent[] {
  const { report, deadlineMs, abortedMs, settledMs } = run;
  const events: TraceEvent[] = [];
  const lane = lanes.run(run);
  if (deadlineMs !== undefined && deadlineMs <= settledMs) {
    const args = { run: run.run, timeoutMs: report.timeoutMs };
    events.push(instant('deadline', 'deadline', lane, deadlineMs, 'p', args));
  }
  if (abortedMs !== undefined) events.push(instant('abort', 'abort', lane, abortedMs, 'p', { run: run.run }));
  const stopMs = stopMsOf(run);
  if (stopMs === undefined) return events;
  const { latenessMs, outcome, stoppedBefore } = report;
  const args = { run: run.run, outcome, latenessMs, stoppedBefore };
  const fromMs = Math.min(stopMs, settledMs);
  events.push(complete('lateness', 'lateness', lanes.stop(run), fromMs, settledMs, args));
  return [...events, ...skippedEvent(run, lanes)];
}

function momentsOf(run: TimelineData, lanes: Lanes): TraceEvent[] {
  return run.moments.map(({ kind, stream, atMs, node }) => {
    const lane = stream === undefined ? lanes.run(run) : lanes.thread(stream);
    const name = {
      stop: `stopped before ${node}`,
      failure: `${node} failed`,
      replaced: `lost stream ${stream}`,
    }[kind];
    return instant(name, kind, lane, atMs, kind === 'replaced' ? 'p' : 't', { run: run.run, node });
  });
}

function nodeEvent(node: TimelineNode, run: TimelineData, lanes: Lanes): TraceEvent {
  const { name, op, stream, startMs, endMs, scheduledMs, inputs, outputs, bytesLive } = node;
  return complete(name, stream === undefined ? 'host' : 'node', lanes.node(node), startMs, endMs, {
    op,
    stream,
    run: run.run,
    inputs: inputs.map(formatSpec),
    outputs: outputs.map(formatSpec),
    scheduledUs: scheduledMs === undefined ? undefined : toUs(toNs(scheduledMs)),
    bytesLive,
  });
}

/** A timer that fired early must not make draining begin before the deadline. */
function spanEvent(span: TimelineSpan, run: TimelineData, lanes: Lanes): TraceEvent {
  const { kind, name, startMs, endMs, bytes, stream } = span;
  const fromMs = kind === 'drain' ? Math.max(startMs, stopMsOf(run) ?? startMs) : startMs;
  const cat = kind === 'copy in' || kind === 'copy out' ? 'copy' : kind;
  return complete(name, cat, lanes.span(span, run), fromMs, Math.max(fromMs, endMs), {
    run: run.run,
    stream,
    bytes,
  });
}

function replacementEvent({ stream, atMs }: Replacement, lanes: Lanes): TraceEvent {
  return instant(`stream ${stream} replaced`, 'replaced', lanes.stream(stream), atMs, 'p', { stream });
}

/** The trace of some runs of one engine. */
export function toChromeTrace({ device, runs, replacements, dropped }: TraceSource): ChromeTrace {
  const lanes = new Lanes(device, runs);
  const events = runs.flatMap((run) => [
    ...lifeOf(run, lanes),
    ...run.spans.map((span) => spanEvent(span, run, lanes)),
    ...run.nodes.map((node) => nodeEvent(node, run, lanes)),
    ...momentsOf(run, lanes),
    ...stopOf(run, lanes),
  ]);
  const gaps =
    dropped === 0
      ? []
      : [instant(`${dropped} records dropped`, 'dropped', { pid: DEVICE_PID, tid: 0 }, 0, 'p', { dropped })];
  return {
    displayTimeUnit: 'ms',
    otherData: { producer: 'curfew', device, droppedRecords: dropped },
    traceEvents: [
      ...lanes.labels(),
      ...sortEvents([
        ...events,
        ...gaps,
        ...replacements.map((replacement) => replacementEvent(replacement, lanes)),
        ...flowsOf(runs, lanes),
        ...countersOf(runs),
      ]),
    ],
  };
}
