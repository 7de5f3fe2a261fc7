/** A trace that keeps the format's rules, as summaries and comparisons read it: spans by lane. */
import { type ChromeTrace, usToNs } from './trace-event.js';

/** A span of a trace. Whole nanoseconds. */
export interface Slice {
  readonly name: string;
  readonly cat: string;
  readonly startNs: number;
  readonly endNs: number;
  readonly args: Readonly<Record<string, unknown>>;
}

/** The spans of one lane, enclosing ones before what they enclose. */
export interface LaneView {
  readonly name: string;
  readonly pid: number;
  readonly slices: readonly Slice[];
}

/** What a trace shows. */
export interface TraceView {
  readonly device: string;
  readonly dropped: number;
  readonly lanes: readonly LaneView[];
}

/** Collects the spans of a trace by lane, in the order of the trace. */
export function viewTrace({ traceEvents, otherData }: ChromeTrace): TraceView {
  const names = new Map<string, string>();
  const lanes = new Map<string, { pid: number; slices: Slice[] }>();
  for (const { name, ph, pid, tid, ts, dur, cat, args } of traceEvents) {
    const key = `${pid} ${tid}`;
    const laneName = args?.['name'];
    if (ph === 'M' && name === 'thread_name' && typeof laneName === 'string') names.set(key, laneName);
    if (ph !== 'X') continue;
    const lane = lanes.get(key) ?? { pid, slices: [] };
    lanes.set(key, lane);
    const startNs = usToNs(ts);
    lane.slices.push({ name, cat: cat ?? '', startNs, endNs: startNs + usToNs(dur ?? 0), args: args ?? {} });
  }
  return {
    device: otherData.device,
    dropped: otherData.droppedRecords,
    lanes: [...lanes].map(([key, { pid, slices }]) => ({ name: names.get(key) ?? key, pid, slices })),
  };
}

/** All spans of some categories, whatever their lane. */
export function slicesOf(view: TraceView, ...cats: readonly string[]): readonly Slice[] {
  return view.lanes.flatMap(({ slices }) => slices.filter(({ cat }) => cats.includes(cat)));
}

/** A number among a span's arguments. */
export function numberArg({ args }: Slice, name: string): number | undefined {
  const value = args[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** A text among a span's arguments. */
export function textArg({ args }: Slice, name: string): string | undefined {
  const value = args[name];
  return typeof value === 'string' ? value : undefined;
}
