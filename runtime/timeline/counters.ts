/** Counters of an exported timeline: bytes that runs hold on each stream, and the work in flight there. */
import { DEVICE_PID } from './rows.js';
import { queueingStreams, type TimelineData } from './timeline-data.js';
import { counter, type TraceEvent } from './trace-event.js';

/** Something begins (+1) or ends (-1). */
interface Change {
  readonly atMs: number;
  readonly by: number;
}

/** Sums the changes up, with one sample per moment. */
function accumulate(name: string, unit: string, changes: readonly Change[]): TraceEvent[] {
  const sorted = [...changes].sort((a, b) => a.atMs - b.atMs || a.by - b.by);
  const events: TraceEvent[] = [];
  let sum = 0;
  for (const [index, { atMs, by }] of sorted.entries()) {
    sum += by;
    if (sorted[index + 1]?.atMs !== atMs) events.push(counter(name, DEVICE_PID, atMs, unit, sum));
  }
  return events;
}

function bytesLive(runs: readonly TimelineData[], stream: number): TraceEvent[] {
  const samples = runs.flatMap(({ nodes, spans }) => [
    ...nodes.map(({ stream, endMs, bytesLive }) => ({ stream, endMs, bytes: bytesLive })),
    ...spans.filter(({ kind }) => kind === 'segment'),
  ]);
  return samples
    .filter((sample) => sample.stream === stream && sample.bytes !== undefined)
    .sort((a, b) => a.endMs - b.endMs)
    .map(({ endMs, bytes }) => counter(`stream ${stream}: bytes live`, DEVICE_PID, endMs, 'bytes', bytes!));
}

/** Segments dispatched and not ended. */
function segmentsInFlight(runs: readonly TimelineData[], stream: number): TraceEvent[] {
  const changes = runs.flatMap(({ links }) =>
    links.flatMap(({ from, to }): Change[] => {
      if (!('kind' in from) || from.kind !== 'dispatch' || to.stream !== stream) return [];
      return [
        { atMs: from.startMs, by: 1 },
        { atMs: to.endMs, by: -1 },
      ];
    }),
  );
  return accumulate(`stream ${stream}: segments in flight`, 'segments', changes);
}

/** Nodes handed to the device and not finished there. */
function nodesInFlight(runs: readonly TimelineData[], stream: number): TraceEvent[] {
  const changes = runs.flatMap(({ links }) =>
    links.flatMap(({ from, to }): Change[] => {
      if (!('kind' in from) || from.kind !== 'submit' || to.stream !== stream) return [];
      return [
        { atMs: from.endMs, by: 1 },
        { atMs: to.endMs, by: -1 },
      ];
    }),
  );
  return accumulate(`stream ${stream}: nodes in flight`, 'nodes', changes);
}

/** All counters of some runs of one engine. */
export function countersOf(runs: readonly TimelineData[]): readonly TraceEvent[] {
  const spans = runs.flatMap((run) => run.spans);
  const queueing = queueingStreams(spans);
  const streams = new Set(spans.flatMap(({ stream }) => (stream === undefined ? [] : [stream])));
  return [...streams].flatMap((stream) => [
    ...bytesLive(runs, stream),
    ...segmentsInFlight(runs, stream),
    ...(queueing.has(stream) ? nodesInFlight(runs, stream) : []),
  ]);
}
