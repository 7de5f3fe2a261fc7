/**
 * Events of the Trace Event format, which Perfetto, chrome://tracing and speedscope read ("Trace Event Format", Google,
 * 2016): complete events ('X') for spans, instants ('i') for moments, counters ('C'), flows ('s' to 'f') for arrows,
 * metadata ('M') for names.
 *
 * The format counts in microseconds. Curfew writes whole multiples of 2⁻¹¹ µs, for two reasons:
 * - Doubles add and subtract such numbers without rounding, up to 50 days. Spans therefore nest exactly for a reader that
 *   computes their ends as `ts + dur`, even if it first takes the earliest time off all of them, as speedscope does.
 * - It is the coarsest such unit that rounds to the right nanosecond, for moments and for durations. Perfetto rounds.
 */

/** One event. */
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
  /** A flow ends at the span around its end. */
  readonly bp?: 'e';
  /** Reach of an instant: thread or process. */
  readonly s?: 't' | 'p';
  readonly args?: Readonly<Record<string, unknown>>;
}

/** A timeline in the Trace Event format, as `JSON.stringify` writes it to a file. */
export interface ChromeTrace {
  readonly displayTimeUnit: 'ms';
  readonly otherData: {
    readonly producer: 'curfew';
    readonly device: string;
    /** Records that were overwritten before they could be read, and are missing here. */
    readonly droppedRecords: number;
  };
  readonly traceEvents: readonly TraceEvent[];
}

/** Names a row. The format calls it a thread, of a process. */
export interface RowId {
  readonly pid: number;
  readonly tid: number;
}

const NS_PER_MS = 1e6;
const NS_PER_US = 1e3;
const TICKS_PER_US = 2 ** 11;

/** Milliseconds as whole nanoseconds. */
export const toNs = (ms: number): number => Math.round(ms * NS_PER_MS);
/** Microseconds of an event as whole nanoseconds. */
export const usToNs = (us: number): number => Math.round(us * NS_PER_US);
/** Nanoseconds as an event tells them; different ones stay different, in the same order. */
export const toUs = (ns: number): number => Math.round((ns * TICKS_PER_US) / NS_PER_US) / TICKS_PER_US;

/** A moment, drawn on its row or across all rows of the process. */
export function instant(
  name: string,
  cat: string,
  { pid, tid }: RowId,
  atMs: number,
  reach: 't' | 'p',
  args: Readonly<Record<string, unknown>>,
): TraceEvent {
  return { name, ph: 'i', pid, tid, ts: toUs(toNs(atMs)), cat, s: reach, args };
}

/** A span. One that took no time becomes a moment, as speedscope cannot draw it otherwise. */
export function span(
  name: string,
  cat: string,
  row: RowId,
  startMs: number,
  endMs: number,
  args: Readonly<Record<string, unknown>>,
): TraceEvent {
  const ts = toUs(toNs(startMs));
  const dur = toUs(toNs(endMs)) - ts;
  if (dur <= 0) return instant(name, cat, row, startMs, 't', args);
  return { name, ph: 'X', pid: row.pid, tid: row.tid, ts, dur, cat, args };
}

/** The value of a counter from a moment on. */
export function counter(name: string, pid: number, atMs: number, unit: string, value: number): TraceEvent {
  return { name, ph: 'C', pid, tid: 0, ts: toUs(toNs(atMs)), args: { [unit]: value } };
}

/** The two ends of an arrow. */
export function flow(
  id: number,
  name: string,
  from: RowId & { readonly atNs: number },
  to: RowId & { readonly atNs: number },
): readonly TraceEvent[] {
  const common = { name, cat: 'flow', id };
  return [
    { ...common, ph: 's', pid: from.pid, tid: from.tid, ts: toUs(from.atNs) },
    { ...common, ph: 'f', bp: 'e', pid: to.pid, tid: to.tid, ts: toUs(to.atNs) },
  ];
}

/** Names a process or a row, and gives its place among the others. */
export function label(
  what: 'process' | 'thread',
  { pid, tid }: RowId,
  name: string,
  order: number,
): readonly TraceEvent[] {
  const common = { ph: 'M', pid, tid, ts: 0 } as const;
  return [
    { ...common, name: `${what}_name`, args: { name } },
    { ...common, name: `${what}_sort_index`, args: { sort_index: order } },
  ];
}

/** Order at equal times: a span before what it encloses, an arrow after the spans and moments it binds to. */
const RANK = { M: 0, X: 1, i: 2, s: 3, f: 4, C: 5 } as const;

/** Sorts events by time, so that a reader can take them as they come. */
export function sortEvents(events: readonly TraceEvent[]): readonly TraceEvent[] {
  return [...events].sort((a, b) => a.ts - b.ts || RANK[a.ph] - RANK[b.ph] || (b.dur ?? 0) - (a.dur ?? 0));
}
