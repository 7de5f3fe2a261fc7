/** What a picture of a run shows on which row. */
import { showMs } from '../text.js';
import {
  queueingStreams,
  stopMsOf,
  type TimelineData,
  type TimelineNode,
  type TimelineSpan,
} from '../timeline-data.js';
import { OP_COLORS } from './style.js';

/** Something drawn on a row. */
export interface Bar {
  readonly style: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly label: string;
  /** Whether the label is shown whole or not at all: a figure is. */
  readonly whole?: boolean;
}

/** A row of the picture. */
export interface Row {
  readonly name: string;
  readonly bars: readonly Bar[];
  /** Index of the stream, which also shows where it was stopped; `undefined` on other rows. */
  readonly stream: number | undefined;
}

/** The ops that took longest, by time. */
export function longestOps(nodes: readonly TimelineNode[]): readonly { op: string; totalMs: number }[] {
  const totals = new Map<string, number>();
  for (const { op, stream, startMs, endMs } of nodes)
    if (stream !== undefined) totals.set(op, (totals.get(op) ?? 0) + endMs - startMs);
  return [...totals]
    .map(([op, totalMs]) => ({ op, totalMs }))
    .sort((a, b) => b.totalMs - a.totalMs)
    .slice(0, OP_COLORS);
}

function spanBar(span: TimelineSpan): Bar {
  const style =
    span.kind.startsWith('copy') || span.kind === 'feeds'
      ? 'copy'
      : span.kind === 'submit'
        ? 'submit'
        : 'wait';
  return { style, startMs: span.startMs, endMs: span.endMs, label: span.name };
}

const byStart = (a: Bar, b: Bar): number => a.startMs - b.startMs;

/** The run as a whole: waiting, in flight, late. */
export function runRow(data: TimelineData): Row {
  const { calledMs, dispatchedMs, settledMs, report, spans } = data;
  const bars: Bar[] = [
    { style: 'queued', startMs: calledMs, endMs: dispatchedMs ?? settledMs, label: 'queued' },
    ...spans.filter(({ kind }) => kind === 'feeds').map(spanBar),
  ];
  const stopMs = stopMsOf(data);
  if (dispatchedMs !== undefined)
    bars.push({
      style: 'flight',
      startMs: dispatchedMs,
      endMs: stopMs ?? settledMs,
      label: report.executable,
    });
  if (stopMs !== undefined)
    bars.push({
      style: 'late',
      startMs: stopMs,
      endMs: settledMs,
      label: `${showMs(report.latenessMs ?? 0)} late`,
      whole: true,
    });
  return { name: 'run', bars, stream: undefined };
}

/** Host nodes, on as many rows as run at once. */
export function hostRows(nodes: readonly TimelineNode[]): Row[] {
  const rows: Bar[][] = [];
  for (const { stream, startMs, endMs, name } of nodes) {
    if (stream !== undefined) continue;
    const row = rows.find((bars) => bars.at(-1)!.endMs <= startMs);
    const bar = { style: 'host', startMs, endMs, label: name };
    if (row === undefined) rows.push([bar]);
    else row.push(bar);
  }
  return rows.map((bars) => ({ name: 'host nodes', bars, stream: undefined }));
}

/** Streams: what the device executes, and beside it the thread where both work at once. */
export function streamRows({ nodes, spans }: TimelineData, styleOf: (op: string) => string): Row[] {
  const located = [...nodes, ...spans].flatMap(({ stream }) => (stream === undefined ? [] : [stream]));
  const queueing = queueingStreams(spans);
  return [...new Set(located)]
    .sort((a, b) => a - b)
    .flatMap((stream) => {
      const own = spans.filter(
        (span) => span.stream === stream && span.kind !== 'segment' && span.kind !== 'chunk',
      );
      const onDevice = (span: TimelineSpan) => !queueing.has(stream) || span.kind === 'copy in';
      const bars = nodes
        .filter((node) => node.stream === stream)
        .map((node): Bar => ({ ...node, style: styleOf(node.op), label: node.op }));
      const row: Row = {
        name: `stream ${stream}`,
        bars: [...bars, ...own.filter(onDevice).map(spanBar)].sort(byStart),
        stream,
      };
      const thread = own.filter((span) => !onDevice(span)).map(spanBar);
      return queueing.has(stream)
        ? [row, { name: `stream ${stream}, thread`, bars: thread, stream: undefined }]
        : [row];
    });
}
