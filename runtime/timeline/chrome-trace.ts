/**
 * Timelines in the Trace Event format of chrome://tracing and Perfetto ("Trace Event Format", Google, 2016): complete
 * events ('X') for spans, instant events ('i') for moments, metadata ('M') for names. Times are microseconds.
 */
import type { TimelineData, TimelineNode } from './timeline-data.js';

/** One event of a trace. */
export interface TraceEvent {
  readonly name: string;
  readonly ph: 'X' | 'i' | 'M';
  readonly pid: number;
  readonly tid: number;
  /** Microseconds; metadata has none. */
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  /** Reach of an instant: thread or process. */
  readonly s?: 't' | 'p';
  readonly args?: Readonly<Record<string, unknown>>;
}

/** A trace as a file holds it. */
export interface ChromeTrace {
  readonly displayTimeUnit: 'ms';
  readonly traceEvents: readonly TraceEvent[];
}

const PID = 1;
const RUN_TID = 1;
const FIRST_STREAM_TID = 10;
const FIRST_HOST_TID = 1000;

const toUs = (ms: number): number => Math.round(ms * 1e6) / 1e3;

function span(
  name: string,
  tid: number,
  startMs: number,
  endMs: number,
  cat: string,
  args: Record<string, unknown>,
): TraceEvent {
  return {
    name,
    ph: 'X',
    pid: PID,
    tid,
    ts: toUs(startMs),
    dur: toUs(Math.max(0, endMs - startMs)),
    cat,
    args,
  };
}

function instant(name: string, tid: number, atMs: number, args: Record<string, unknown>): TraceEvent {
  return { name, ph: 'i', pid: PID, tid, ts: toUs(atMs), s: 'p', cat: 'run', args };
}

function label(kind: 'process_name' | 'thread_name', tid: number, name: string): TraceEvent {
  return { name: kind, ph: 'M', pid: PID, tid, args: { name } };
}

/** Host nodes may overlap; each goes to the first host lane that is free by then. */
function hostLanes(nodes: readonly TimelineNode[]): Map<TimelineNode, number> {
  const lanes = new Map<TimelineNode, number>();
  const busyUntil: number[] = [];
  for (const node of nodes) {
    if (node.stream !== undefined) continue;
    const free = busyUntil.findIndex((endMs) => endMs <= node.startMs);
    const lane = free === -1 ? busyUntil.length : free;
    busyUntil[lane] = node.endMs;
    lanes.set(node, lane);
  }
  return lanes;
}

function runEvents(data: TimelineData): TraceEvent[] {
  const { report, dispatchedMs, settledMs, deadlineMs, abortedMs } = data;
  const events = [
    span('queued', RUN_TID, 0, dispatchedMs ?? settledMs, 'run', { executable: report.executable }),
  ];
  if (dispatchedMs !== undefined)
    events.push(span(`run ${report.executable}`, RUN_TID, dispatchedMs, settledMs, 'run', { ...report }));
  if (deadlineMs !== undefined)
    events.push(instant('deadline', RUN_TID, deadlineMs, { timeoutMs: report.timeoutMs }));
  if (abortedMs !== undefined) events.push(instant('abort', RUN_TID, abortedMs, {}));
  if (report.outcome !== 'completed') {
    events.push(
      instant(report.outcome, RUN_TID, settledMs, {
        latenessMs: report.latenessMs,
        stoppedBefore: report.stoppedBefore,
      }),
    );
  }
  return events;
}

/** One lane for the run, one per stream, and as many for host nodes as overlap. */
export function toChromeTrace(data: TimelineData): ChromeTrace {
  const hosts = hostLanes(data.nodes);
  const tidOf = (node: TimelineNode): number =>
    node.stream === undefined ? FIRST_HOST_TID + hosts.get(node)! : FIRST_STREAM_TID + node.stream;
  const streams = [...new Set(data.nodes.map(({ stream }) => stream))]
    .filter((stream) => stream !== undefined)
    .sort((a, b) => a - b);
  const hostCount = new Set(hosts.values()).size;
  return {
    displayTimeUnit: 'ms',
    traceEvents: [
      label('process_name', RUN_TID, `curfew ${data.report.device}`),
      label('thread_name', RUN_TID, 'run'),
      ...streams.map((stream) => label('thread_name', FIRST_STREAM_TID + stream, `stream ${stream}`)),
      ...Array.from({ length: hostCount }, (_, lane) =>
        label('thread_name', FIRST_HOST_TID + lane, `host ${lane}`),
      ),
      ...runEvents(data),
      ...data.nodes.map((node) =>
        span(
          node.name,
          tidOf(node),
          node.startMs,
          node.endMs,
          node.stream === undefined ? 'host' : 'kernel',
          { op: node.op },
        ),
      ),
    ],
  };
}
