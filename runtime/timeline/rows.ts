/** Which row of an exported timeline shows what. Spans on one row never overlap. */
import {
  queueingStreams,
  stopMsOf,
  type TimelineData,
  type TimelineNode,
  type TimelineSpan,
} from './timeline-data.js';
import { label, type RowId, type TraceEvent } from './trace-event.js';

/** The main thread and the device each are a process. */
export const HOST_PID = 1;
export const DEVICE_PID = 2;

const FIRST_RUN_TID = 1;

/** Gives each interval the first row that is free when it starts. */
function pack<Item>(
  items: readonly Item[],
  startOf: (item: Item) => number,
  endOf: (item: Item) => number,
): Map<Item, number> {
  const busyUntil: number[] = [];
  const rows = new Map<Item, number>();
  for (const item of [...items].sort((a, b) => startOf(a) - startOf(b))) {
    const free = busyUntil.findIndex((end) => end <= startOf(item));
    const row = free === -1 ? busyUntil.length : free;
    busyUntil[row] = endOf(item);
    rows.set(item, row);
  }
  return rows;
}

/** The rows of some runs of one engine. */
export class Rows {
  readonly #device: string;
  readonly #runs: Map<TimelineData, number>;
  readonly #hostNodes: Map<TimelineNode, number>;
  readonly #firstHostNodeTid: number;
  readonly #streams: readonly number[];
  readonly #queueing: ReadonlySet<number>;
  readonly #stopped: ReadonlySet<number>;

  constructor(device: string, runs: readonly TimelineData[]) {
    this.#device = device;
    this.#runs = pack(
      runs,
      ({ calledMs }) => calledMs,
      ({ settledMs }) => settledMs,
    );
    const hostNodes = runs.flatMap(({ nodes }) => nodes.filter(({ stream }) => stream === undefined));
    this.#hostNodes = pack(
      hostNodes,
      ({ startMs }) => startMs,
      ({ endMs }) => endMs,
    );
    this.#firstHostNodeTid = FIRST_RUN_TID + 2 * new Set(this.#runs.values()).size;
    const everything = runs.flatMap(({ nodes, spans, moments }) => [...nodes, ...spans, ...moments]);
    const streams = new Set(everything.flatMap(({ stream }) => (stream === undefined ? [] : [stream])));
    this.#streams = [...streams].sort((a, b) => a - b);
    this.#queueing = queueingStreams(runs.flatMap(({ spans }) => spans));
    const stopped = runs.filter(
      (run) => stopMsOf(run) !== undefined || run.spans.some(({ kind }) => kind === 'drain'),
    );
    this.#stopped = new Set(stopped.map((run) => this.#runs.get(run)!));
  }

  /** The run as a whole, with what the main thread does for it. */
  run(run: TimelineData): RowId {
    return { pid: HOST_PID, tid: FIRST_RUN_TID + 2 * this.#runs.get(run)! };
  }

  /** What follows from a stop: lateness, draining. */
  stop(run: TimelineData): RowId {
    return { pid: HOST_PID, tid: this.run(run).tid + 1 };
  }

  /** A stream: what the device executes. */
  stream(stream: number): RowId {
    return { pid: DEVICE_PID, tid: 1 + 2 * stream };
  }

  /** The stream's thread. It has a row of its own where the device works while the thread goes on. */
  thread(stream: number): RowId {
    return { pid: DEVICE_PID, tid: this.#queueing.has(stream) ? 2 + 2 * stream : 1 + 2 * stream };
  }

  node(node: TimelineNode): RowId {
    if (node.stream !== undefined) return this.stream(node.stream);
    return { pid: HOST_PID, tid: this.#firstHostNodeTid + this.#hostNodes.get(node)! };
  }

  span(span: TimelineSpan, run: TimelineData): RowId {
    if (span.kind === 'drain') return this.stop(run);
    if (span.stream === undefined) return this.run(run);
    // A queueing device copies in the order of its queue.
    return span.kind === 'copy in' ? this.stream(span.stream) : this.thread(span.stream);
  }

  /** Names of all rows, in the order in which viewers draw them. */
  labels(): readonly TraceEvent[] {
    const runs = [...new Set(this.#runs.values())];
    const suffix = (row: number) => (row === 0 ? '' : ` ${row + 1}`);
    const host = (tid: number, name: string) => label('thread', { pid: HOST_PID, tid }, name, tid);
    const device = (row: RowId, name: string) => label('thread', row, name, row.tid);
    return [
      ...label('process', { pid: HOST_PID, tid: 0 }, 'main thread', HOST_PID),
      ...runs.flatMap((row) => host(FIRST_RUN_TID + 2 * row, `run${suffix(row)}`)),
      ...[...this.#stopped].flatMap((row) => host(FIRST_RUN_TID + 2 * row + 1, `stop${suffix(row)}`)),
      ...[...new Set(this.#hostNodes.values())].flatMap((row) =>
        host(this.#firstHostNodeTid + row, `host nodes${suffix(row)}`),
      ),
      ...label('process', { pid: DEVICE_PID, tid: 0 }, this.#device, DEVICE_PID),
      ...this.#streams.flatMap((stream) => device(this.stream(stream), `stream ${stream}`)),
      ...[...this.#queueing].flatMap((stream) => device(this.thread(stream), `stream ${stream}, thread`)),
    ];
  }
}
