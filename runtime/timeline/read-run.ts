/** Turns the records of one run into what its timeline says. */
import { isWork, type Node } from '../../scheduler/graph.js';
import type { RunReport } from '../../scheduler/outcome.js';
import type { Plan, Unit } from '../../scheduler/plan.js';
import type { RecordKindName, TimelineRecord } from '../../scheduler/timeline-record.js';
import { nameSpan, spanKindOf } from './span-names.js';
import type {
  TimelineData,
  TimelineLink,
  TimelineMoment,
  TimelineNode,
  TimelineSpan,
} from './timeline-data.js';

/** A run that has settled, with the plan that its records refer to. */
export interface SettledRun {
  readonly run: number;
  readonly plan: Plan;
  /** When it was called, on the shared clock. */
  readonly startMs: number;
  /** Streams of its lanes; none when it was never dispatched. */
  readonly streams: readonly number[];
  readonly report: RunReport;
}

/** The records of one run, in the order they were written. */
export interface RunRecords {
  readonly main: readonly TimelineRecord[];
  readonly lanes: readonly (readonly TimelineRecord[])[];
}

/** A record with the lane and the stream that it comes from, both `undefined` on the main thread. */
interface LocatedRecord extends TimelineRecord {
  readonly lane: number | undefined;
  readonly stream: number | undefined;
}

function locate({ main, lanes }: RunRecords, streams: readonly number[]): readonly LocatedRecord[] {
  return [
    ...main.map((record) => ({ ...record, lane: undefined, stream: undefined })),
    ...lanes.flatMap((records, lane) =>
      records.map((record) => ({ ...record, lane, stream: streams[lane] })),
    ),
  ];
}

/** Reads the records of one run; see `readRun`. */
class RunReader {
  readonly #settled: SettledRun;
  readonly #originMs: number;
  readonly #nodes: TimelineNode[] = [];
  readonly #spans: TimelineSpan[] = [];
  readonly #moments: TimelineMoment[] = [];
  readonly #links: TimelineLink[] = [];
  /** What records refer to: nodes and submissions by node, dispatches by unit, segments by lane and index. */
  readonly #nodeOf = new Map<number, TimelineNode>();
  readonly #submissionOf = new Map<number, TimelineSpan>();
  readonly #dispatchOf = new Map<number, TimelineSpan>();
  readonly #segmentOf = new Map<string, TimelineSpan>();
  readonly #unitOf: readonly (Unit | undefined)[];
  readonly #fallbackOf: ReadonlyMap<string, string>;

  constructor(settled: SettledRun, originMs: number) {
    this.#settled = settled;
    this.#originMs = originMs;
    const unitOf: (Unit | undefined)[] = settled.plan.graph.nodes.map(() => undefined);
    for (const unit of settled.plan.units) {
      for (const node of unit.kind === 'segment' ? unit.nodes : [unit.node.id]) unitOf[node] = unit;
    }
    this.#unitOf = unitOf;
    this.#fallbackOf = new Map(settled.report.fallbacks.map(({ node, device }) => [node, device]));
  }

  read(records: RunRecords, dropped: number): TimelineData {
    const located = locate(records, this.#settled.streams);
    for (const record of located) this.#readSpan(record);
    for (const record of located) this.#readMoment(record);
    for (const record of located) this.#readNode(record);
    this.#link();
    return {
      run: this.#settled.run,
      report: this.#settled.report,
      nodes: this.#nodes.sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs),
      spans: this.#spans.sort((a, b) => a.startMs - b.startMs || b.endMs - a.endMs),
      moments: this.#moments.sort((a, b) => a.atMs - b.atMs),
      links: this.#links,
      skipped: dropped > 0 ? [] : this.#skipped(),
      dropped,
      ...this.#life(records.main),
    };
  }

  #toMs(sharedMs: number): number {
    return sharedMs - this.#originMs;
  }

  /** The run as a whole. */
  #life(main: readonly TimelineRecord[]) {
    const find = (kind: RecordKindName) => main.find((record) => record.kind === kind);
    const [queued, run, deadline, abort] = [find('queued'), find('run'), find('deadline'), find('abort')];
    return {
      calledMs: this.#toMs(this.#settled.startMs),
      dispatchedMs: run && this.#toMs(run.startMs),
      settledMs: this.#toMs((run ?? queued)?.endMs ?? this.#settled.startMs),
      deadlineMs: deadline && this.#toMs(deadline.startMs),
      abortedMs: abort && this.#toMs(abort.startMs),
    };
  }

  /** A node that was handed to a device was not skipped, even if the device cannot tell when it executed. */
  #skipped(): readonly string[] {
    const { nodes } = this.#settled.plan.graph;
    const began = (node: Node) => this.#nodeOf.has(node.id) || this.#submissionOf.has(node.id);
    return nodes.filter((node) => isWork(node) && !began(node)).map(({ name }) => name);
  }

  #readSpan({ kind: recordKind, id, startMs, endMs, value, lane, stream }: LocatedRecord): void {
    const kind = spanKindOf(recordKind);
    if (kind === undefined) return;
    const hasBytes = kind === 'feeds' || kind === 'segment' || kind === 'copy in' || kind === 'copy out';
    const span: TimelineSpan = {
      kind,
      name: nameSpan(this.#settled.plan, kind, id),
      stream,
      startMs: this.#toMs(startMs),
      endMs: this.#toMs(endMs),
      bytes: hasBytes ? value : undefined,
    };
    this.#spans.push(span);
    if (kind === 'dispatch') this.#dispatchOf.set(id, span);
    if (kind === 'segment') this.#segmentOf.set(`${lane} ${id}`, span);
    if (kind === 'submit') this.#submissionOf.set(id, span);
  }

  #readMoment({ kind, id, startMs, stream }: LocatedRecord): void {
    if (kind !== 'stop' && kind !== 'failure' && kind !== 'replaced') return;
    const node = kind === 'replaced' ? undefined : this.#settled.plan.graph.nodes[id]?.name;
    const where = kind === 'replaced' ? id : stream;
    this.#moments.push({ kind, stream: where, atMs: this.#toMs(startMs), node });
  }

  #readNode({ kind, id, startMs, endMs, value, stream }: LocatedRecord): void {
    const node = this.#settled.plan.graph.nodes[id];
    if ((kind !== 'node' && kind !== 'part' && kind !== 'host') || node === undefined) return;
    const read: TimelineNode = {
      name: node.name,
      op: node.kind === 'kernel' ? node.op : 'host',
      fallback: this.#fallbackOf.get(node.name),
      stream,
      startMs: this.#toMs(startMs),
      endMs: this.#toMs(endMs),
      scheduledMs: this.#scheduledMs(id),
      inputs: this.#specs(node.inputs),
      outputs: this.#specs(node.outputs),
      bytesLive: kind === 'host' ? undefined : value,
      isEstimated: kind === 'part',
    };
    this.#nodes.push(read);
    this.#nodeOf.set(id, read);
  }

  #specs(values: Node['inputs']): TimelineNode['inputs'] {
    const { graph } = this.#settled.plan;
    return values.map((value) => {
      const { dtype, shape } = graph.values[value]!;
      return { dtype, shape };
    });
  }

  #scheduledMs(node: number): number | undefined {
    const submission = this.#submissionOf.get(node);
    return submission?.endMs ?? this.#dispatchOf.get(this.#unitOf[node]?.index ?? -1)?.startMs;
  }

  #link(): void {
    const add = (from: TimelineLink['from'] | undefined, to: TimelineLink['to'] | undefined) => {
      if (from !== undefined && to !== undefined) this.#links.push({ from, to });
    };
    const { plan } = this.#settled;
    for (const unit of plan.units) add(this.#dispatchOf.get(unit.index), this.#begin(unit));
    for (const [id, node] of this.#nodeOf) add(this.#submissionOf.get(id), node);
    for (const [producer, units] of plan.afterNode) {
      for (const unit of units) add(this.#nodeOf.get(producer), this.#begin(plan.units[unit]!));
    }
  }

  /** Where the work on a unit begins. */
  #begin(unit: Unit): TimelineNode | TimelineSpan | undefined {
    return unit.kind === 'host'
      ? this.#nodeOf.get(unit.node.id)
      : this.#segmentOf.get(`${unit.lane} ${unit.segment}`);
  }
}

/** Reads the records of a run. Times count from `originMs`; `dropped` is the number of missing records. */
export function readRun(
  settled: SettledRun,
  records: RunRecords,
  originMs: number,
  dropped: number,
): TimelineData {
  return new RunReader(settled, originMs).read(records, dropped);
}
