/** Counters of a trace: bytes that runs hold on each stream, and the work in flight there. */
import { DEVICE_PID } from './lanes.js';
import { queueingStreams, type TimelineData } from './timeline-data.js';
import { counter, type TraceEvent } from './trace-event.js';

/** Something is begun (+1) or over (-1). */
interface Step {
  readonly atMs: number;
  readonly change: number;
}

/** The running sum, one sample per moment. */
function accumulate(name: string, unit: string, steps: readonly Step[]): TraceEvent[] {
  const sorted = [...steps].sort((a, b) => a.atMs - b.atMs || a.change - b.change);
  const events: TraceEvent[] = [];
  let sum = 0;
  for (const [index, { atMs, change }] of sorted.entries()) {
    sum += change;
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

/** Segments that were dispatched and have not ended. */
function segmentsInFlight(runs: readonly TimelineData[], stream: number): TraceEvent[] {
  const steps = runs.flatMap(({ links }) =>
    links.flatMap(({ from, to }): Step[] => {
      if (!('kind' in from) || from.kind !== 'dispatch' || to.stream !== stream) return [];
      return [
        { atMs: from.startMs, change: 1 },
        { atMs: to.endMs, change: -1 },
      ];
    }),
  );
  return accumulate(`stream ${stream}: segments in flight`, 'segments', steps);
}

/** Nodes that were handed to the device and have not finished there. */
function nodesInFlight(runs: readonly TimelineData[], stream: number): TraceEvent[] {
  const steps = runs.flatMap(({ links }) =>
    links.flatMap(({ from, to }): Step[] => {
      if (!('kind' in from) || from.kind !== 'submit' || to.stream !== stream) return [];
      return [
        { atMs: from.endMs, change: 1 },
        { atMs: to.endMs, change: -1 },
      ];
    }),
  );
  return accumulate(`stream ${stream}: nodes in flight`, 'nodes', steps);
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
