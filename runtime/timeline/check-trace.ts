/** Checks a trace against the rules of its format: what viewers need to draw it as it was meant. */
import { curfewError, quote } from '../../scheduler/errors.js';
import { mistakeOf } from './check-event.js';
import { type ChromeTrace, type TraceEvent, usToNs } from './trace-event.js';

/** Problems that are told; the first is usually the reason of the others. */
const MAX_PROBLEMS = 20;

/** Rounding of a span's ends to nanoseconds. */
const UNIT_TOLERANCE_NS = 2;

interface OpenSlice {
  readonly name: string;
  readonly endNs: number;
}

const laneOf = ({ pid, tid }: TraceEvent): string => `lane ${pid}/${tid}`;
const endNsOf = ({ ts, dur }: TraceEvent): number => usToNs(ts) + usToNs(dur ?? 0);

/** Goes through the events of a trace once, in order. */
class TraceChecker {
  readonly problems: string[] = [];
  #timeNs = 0;
  readonly #open = new Map<string, OpenSlice[]>();
  readonly #named = new Set<string>();
  readonly #lanes = new Set<string>();
  readonly #flows = new Map<number, 'open' | 'closed'>();

  check(event: TraceEvent, index: number): void {
    const where = `event ${index} (${quote(event.name)})`;
    if (event.ph === 'M') {
      if (event.name === 'thread_name') this.#named.add(laneOf(event));
      return;
    }
    const atNs = usToNs(event.ts);
    if (atNs < this.#timeNs)
      this.#tell(`${where}: expected times in order, received one before that of the event before`);
    this.#timeNs = Math.max(this.#timeNs, atNs);
    if (event.ph === 'X') this.#checkSlice(event, where);
    if (event.ph === 's' || event.ph === 'f') this.#checkFlow(event, where);
  }

  finish(): void {
    for (const [id, state] of this.#flows)
      if (state === 'open') this.#tell(`flow ${id}: expected an end, there is none`);
    for (const lane of this.#lanes)
      if (!this.#named.has(lane)) this.#tell(`${lane}: expected a name, there is none`);
  }

  /** Spans of a lane must nest: one that begins in another ends in it. */
  #checkSlice(event: TraceEvent, where: string): void {
    const lane = laneOf(event);
    this.#lanes.add(lane);
    const open = this.#open.get(lane) ?? [];
    this.#open.set(lane, open);
    const [startNs, endNs] = [usToNs(event.ts), endNsOf(event)];
    while (open.length > 0 && open.at(-1)!.endNs <= startNs) open.pop();
    const around = open.at(-1);
    if (around !== undefined && endNs > around.endNs)
      this.#tell(`${where}: expected it to end within ${quote(around.name)}, which it begins in (${lane})`);
    open.push({ name: event.name, endNs });
    this.#checkUnit(event, endNs - startNs, where);
  }

  /** A run's span and its report tell the same duration: were times in another unit, they would not. */
  #checkUnit({ cat, args }: TraceEvent, durationNs: number, where: string): void {
    const key = cat === 'run' ? 'durationMs' : cat === 'lateness' ? 'latenessMs' : undefined;
    const reportedMs = key === undefined ? undefined : args?.[key];
    if (typeof reportedMs !== 'number') return;
    if (Math.abs(durationNs - reportedMs * 1e6) > UNIT_TOLERANCE_NS)
      this.#tell(
        `${where}: expected ${reportedMs * 1e3} microseconds as its ${key} says, received ${durationNs / 1e3}`,
      );
  }

  #checkFlow(event: TraceEvent, where: string): void {
    const id = event.id!;
    const state = this.#flows.get(id);
    const expected = event.ph === 's' ? undefined : 'open';
    if (state !== expected)
      this.#tell(`${where}: expected a flow to start once and then to end once, flow ${id} does not`);
    this.#flows.set(id, event.ph === 's' ? 'open' : 'closed');
    const open = this.#open.get(laneOf(event)) ?? [];
    const atNs = usToNs(event.ts);
    while (open.length > 0 && open.at(-1)!.endNs < atNs) open.pop();
    if (open.length === 0)
      this.#tell(`${where}: expected a span around the end of flow ${id}, there is none on ${laneOf(event)}`);
  }

  #tell(problem: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem);
  }
}

/** What is wrong with the trace as a whole, before its events are looked at. */
function frameMistakes(trace: unknown): string[] {
  const { traceEvents, displayTimeUnit, otherData } = (trace ?? {}) as Readonly<Record<string, unknown>>;
  const { producer, device, droppedRecords } = (otherData ?? {}) as Readonly<Record<string, unknown>>;
  const problems: string[] = [];
  if (!Array.isArray(traceEvents))
    problems.push(`traceEvents: expected an array, received ${quote(traceEvents)}`);
  if (displayTimeUnit !== 'ms')
    problems.push(`displayTimeUnit: expected "ms", received ${quote(displayTimeUnit)}`);
  if (producer !== 'curfew')
    problems.push(`otherData.producer: expected "curfew", received ${quote(producer)}`);
  if (typeof device !== 'string')
    problems.push(`otherData.device: expected a name, received ${quote(device)}`);
  if (!Number.isSafeInteger(droppedRecords) || (droppedRecords as number) < 0)
    problems.push(`otherData.droppedRecords: expected a count, received ${quote(droppedRecords)}`);
  return problems;
}

/**
 * What is wrong with a trace, in words; nothing when it keeps the rules: known phases with the fields they need, times in
 * microseconds and in order, spans that nest on their lane without overlapping, named lanes, and flows that start once,
 * end once, and touch a span at either end.
 */
export function checkTrace(trace: unknown): readonly string[] {
  const problems = frameMistakes(trace);
  if (problems.length > 0) return problems;
  const events = (trace as { readonly traceEvents: readonly unknown[] }).traceEvents;
  const checker = new TraceChecker();
  for (const [index, event] of events.entries()) {
    const mistake = mistakeOf(event);
    // Events that are none cannot be checked against each other.
    if (mistake !== undefined) return [`event ${index}: ${mistake}`];
    checker.check(event as TraceEvent, index);
  }
  checker.finish();
  return checker.problems;
}

/**
 * Reads a file's text as a trace that Curfew wrote. Whatever the text is, it either is one or is refused.
 *
 * @throws INVALID_TIMELINE with the reason
 */
export function parseTrace(text: string, file: string): ChromeTrace {
  let trace: unknown;
  try {
    trace = JSON.parse(text);
  } catch (error) {
    throw curfewError('INVALID_TIMELINE', `${file}: expected JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const problems = checkTrace(trace);
  if (problems.length > 0) {
    throw curfewError('INVALID_TIMELINE', `${file}: ${problems.join(`\n${file}: `)}`, {
      expected: 'a timeline',
      received: problems[0],
    });
  }
  return trace as ChromeTrace;
}
