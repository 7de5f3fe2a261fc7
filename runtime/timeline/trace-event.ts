/**
 * Events of the Trace Event format, which chrome://tracing and Perfetto read ("Trace Event Format", Google, 2016): complete
 * events ('X') for spans, instants ('i') for moments, counters ('C'), flows ('s' to 'f') for arrows, metadata ('M') for
 * names. Times are microseconds; here they are whole nanoseconds, so that adding and comparing them is exact.
 */

/** One event of a trace. */
export interface TraceEvent {
  readonly name: string;
  readonly ph: 'X' | 'i' | 'C' | 's' | 'f' | 'M';
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly ts: number;
  /** Microseconds; of complete events. */
  readonly dur?: number;
  readonly cat?: string;
  /** Joins both ends of a flow. */
  readonly id?: number;
  /** Where a flow ends: at the span around it. */
  readonly bp?: 'e';
  /** Reach of an instant: thread or process. */
  readonly s?: 't' | 'p';
  readonly args?: Readonly<Record<string, unknown>>;
}

/** A trace as a file holds it. */
export interface ChromeTrace {
  readonly displayTimeUnit: 'ms';
  readonly otherData: {
    readonly producer: 'curfew';
    readonly device: string;
    /** Records that were overwritten before they could be read: what is missing in the trace. */
    readonly droppedRecords: number;
  };
  readonly traceEvents: readonly TraceEvent[];
}

/** A lane: one row of a viewer. */
export interface Lane {
  readonly pid: number;
  readonly tid: number;
}

const NS_PER_MS = 1e6;
const NS_PER_US = 1e3;

/** Milliseconds as whole nanoseconds. */
export const toNs = (ms: number): number => Math.round(ms * NS_PER_MS);
/** Microseconds, as events have them, as whole nanoseconds. */
export const usToNs = (us: number): number => Math.round(us * NS_PER_US);
/** Nanoseconds as events have them. */
export const toUs = (ns: number): number => ns / NS_PER_US;

/** A span. */
export function complete(
  name: string,
  cat: string,
  { pid, tid }: Lane,
  startMs: number,
  endMs: number,
  args: Readonly<Record<string, unknown>>,
): TraceEvent {
  const startNs = toNs(startMs);
  const dur = toUs(Math.max(0, toNs(endMs) - startNs));
  return { name, ph: 'X', pid, tid, ts: toUs(startNs), dur, cat, args };
}

/** A moment, drawn on its lane or across all lanes of the process. */
export function instant(
  name: string,
  cat: string,
  { pid, tid }: Lane,
  atMs: number,
  reach: 't' | 'p',
  args: Readonly<Record<string, unknown>>,
): TraceEvent {
  return { name, ph: 'i', pid, tid, ts: toUs(toNs(atMs)), cat, s: reach, args };
}

/** The value of a counter from a moment on. */
export function counter(name: string, pid: number, atMs: number, unit: string, value: number): TraceEvent {
  return { name, ph: 'C', pid, tid: 0, ts: toUs(toNs(atMs)), args: { [unit]: value } };
}

/** The two ends of an arrow. */
export function flow(
  id: number,
  name: string,
  from: Lane & { readonly atNs: number },
  to: Lane & { readonly atNs: number },
): readonly TraceEvent[] {
  const common = { name, cat: 'flow', id };
  return [
    { ...common, ph: 's', pid: from.pid, tid: from.tid, ts: toUs(from.atNs) },
    { ...common, ph: 'f', bp: 'e', pid: to.pid, tid: to.tid, ts: toUs(to.atNs) },
  ];
}

/** Names a process or a lane, and says in which order they are drawn. */
export function label(
  what: 'process' | 'thread',
  { pid, tid }: Lane,
  name: string,
  order: number,
): readonly TraceEvent[] {
  const common = { ph: 'M', pid, tid, ts: 0 } as const;
  return [
    { ...common, name: `${what}_name`, args: { name } },
    { ...common, name: `${what}_sort_index`, args: { sort_index: order } },
  ];
}

/** Order at equal times: what encloses comes before what it encloses, and arrows after the spans they bind to. */
const RANK = { M: 0, X: 1, s: 2, f: 3, i: 4, C: 5 } as const;

/** Events as a file lists them: by time, so that a reader can take them as they come. */
export function sortEvents(events: readonly TraceEvent[]): readonly TraceEvent[] {
  return [...events].sort((a, b) => a.ts - b.ts || RANK[a.ph] - RANK[b.ph] || (b.dur ?? 0) - (a.dur ?? 0));
}
