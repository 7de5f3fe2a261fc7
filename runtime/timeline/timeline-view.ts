/** An exported timeline as summaries and comparisons read it: spans by row. */
import { type ChromeTrace, type TraceEvent, usToNs } from './trace-event.js';

/** A run, as its report describes it. */
export interface RunSummary {
  readonly run: number;
  readonly executable: string;
  readonly outcome: string;
  /** From the call to the dispatch, and from there until the run had settled. */
  readonly queuedMs: number;
  readonly durationMs: number;
  readonly timeoutMs: number | undefined;
  readonly latenessMs: number | undefined;
  readonly nodesCompleted: number;
  readonly nodesTotal: number;
  /** Nodes that run on another device's kernels; 0 in files of versions that did not tell. */
  readonly fallbacks: number;
  readonly stoppedBefore: string | undefined;
}

/** A span, with those of its arguments that figures are made of. Whole nanoseconds. */
export interface Slice {
  readonly name: string;
  readonly cat: string;
  readonly startNs: number;
  readonly endNs: number;
  readonly op: string | undefined;
  /** The device whose kernel executed the node, where the stream's own lacks one. */
  readonly fallback: string | undefined;
  readonly bytes: number | undefined;
  /** Whether start and end are estimates: of a node within a chunk. */
  readonly isEstimated: boolean;
  readonly report: RunSummary | undefined;
}

/** The spans of one row, each before what it encloses. */
export interface RowView {
  readonly name: string;
  readonly pid: number;
  readonly slices: readonly Slice[];
}

/** What an exported timeline shows. */
export interface TimelineView {
  readonly device: string;
  readonly dropped: number;
  readonly rows: readonly RowView[];
}

/** Categories of spans. Such an event without a duration is a span that took no time. */
const SPAN_CATS = new Set([
  'queue',
  'run',
  'feeds',
  'dispatch',
  'host',
  'segment',
  'chunk',
  'node',
  'submit',
  'copy',
  'fence',
  'pause',
  'drain',
  'lateness',
]);

type Args = Readonly<Record<string, unknown>>;

function numberOf(args: Args, name: string): number | undefined {
  const value = args[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function textOf(args: Args, name: string): string | undefined {
  const value = args[name];
  return typeof value === 'string' ? value : undefined;
}

/** The report that the span of a run carries. A run that was never dispatched has it on the span of its waiting. */
function reportOf(cat: string, args: Args): RunSummary | undefined {
  const outcome = textOf(args, 'outcome');
  if (outcome === undefined || (cat !== 'run' && cat !== 'queue')) return undefined;
  return {
    run: numberOf(args, 'run') ?? 0,
    executable: textOf(args, 'executable') ?? '',
    outcome,
    queuedMs: numberOf(args, 'queuedMs') ?? 0,
    durationMs: numberOf(args, 'durationMs') ?? 0,
    timeoutMs: numberOf(args, 'timeoutMs'),
    latenessMs: numberOf(args, 'latenessMs'),
    nodesCompleted: numberOf(args, 'nodesCompleted') ?? 0,
    nodesTotal: numberOf(args, 'nodesTotal') ?? 0,
    fallbacks: numberOf(args, 'fallbacks') ?? 0,
    stoppedBefore: textOf(args, 'stoppedBefore'),
  };
}

/** Collects the spans of events that keep the format's rules, one event after the other. */
export class ViewBuilder {
  readonly #names = new Map<string, string>();
  readonly #rows = new Map<string, { readonly pid: number; readonly slices: Slice[] }>();

  add({ name, ph, pid, tid, ts, dur = 0, cat = '', args = {} }: TraceEvent): void {
    const key = `${pid} ${tid}`;
    const rowName = args['name'];
    if (ph === 'M' && name === 'thread_name' && typeof rowName === 'string') this.#names.set(key, rowName);
    if (ph !== 'X' && !(ph === 'i' && SPAN_CATS.has(cat))) return;
    const startNs = usToNs(ts);
    const slice: Slice = {
      name,
      cat,
      startNs,
      endNs: startNs + (ph === 'X' ? usToNs(dur) : 0),
      op: textOf(args, 'op'),
      fallback: textOf(args, 'fallback'),
      bytes: numberOf(args, 'bytes'),
      isEstimated: args['estimated'] === true,
      report: reportOf(cat, args),
    };
    const row = this.#rows.get(key);
    if (row === undefined) this.#rows.set(key, { pid, slices: [slice] });
    else row.slices.push(slice);
  }

  view({ device, droppedRecords }: ChromeTrace['otherData']): TimelineView {
    const rows = [...this.#rows].map(([key, { pid, slices }]) => ({
      name: this.#names.get(key) ?? key,
      pid,
      slices,
    }));
    return { device, dropped: droppedRecords, rows };
  }
}

/** Reads an exported timeline that keeps the format's rules. */
export function viewTimeline({ traceEvents, otherData }: ChromeTrace): TimelineView {
  const builder = new ViewBuilder();
  for (const event of traceEvents) builder.add(event);
  return builder.view(otherData);
}

/** All spans of some categories, on whatever row. */
export function slicesOf({ rows }: TimelineView, cats: readonly string[]): readonly Slice[] {
  return rows.flatMap(({ slices }) => slices.filter(({ cat }) => cats.includes(cat)));
}
