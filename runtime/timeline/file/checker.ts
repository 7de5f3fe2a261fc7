/** Checks the events of an exported timeline against the rules of its format, and against each other. */
import { quote } from '../../../scheduler/errors.js';
import { type TraceEvent, usToNs } from '../trace-event.js';
import { mistakeOf } from './check-event.js';

/** Problems reported; the first is usually the reason for the others. */
const MAX_PROBLEMS = 20;

/** A span's ends are rounded to nanoseconds, the duration in its report is not. */
const UNIT_TOLERANCE_NS = 2;

interface OpenSlice {
  readonly name: string;
  /** As readers compute it, in doubles. */
  readonly endUs: number;
}

const rowOf = ({ pid, tid }: TraceEvent): string => `row ${pid}/${tid}`;

/** Goes through the events of an exported timeline once, in order. */
export class TimelineChecker {
  readonly #problems: string[] = [];
  /** Of the event being checked. */
  #index = -1;
  #isWellFormed = true;
  #timeUs = 0;
  /** By row. */
  readonly #open = new Map<string, OpenSlice[]>();
  readonly #lastMoment = new Map<string, number>();
  readonly #named = new Set<string>();
  readonly #flows = new Map<number, 'open' | 'closed'>();

  /** Checks the next event. Events after a malformed one cannot be checked. */
  add(event: unknown): event is TraceEvent {
    this.#index++;
    if (!this.#isWellFormed) return false;
    const mistake = mistakeOf(event);
    this.#isWellFormed = mistake === undefined;
    if (mistake === undefined) this.#check(event as TraceEvent);
    else this.#tell(`event ${this.#index}: ${mistake}`);
    return this.#isWellFormed;
  }

  /** Ends the check and says what is wrong. */
  finish(): readonly string[] {
    if (!this.#isWellFormed) return this.#problems;
    for (const [id, state] of this.#flows)
      if (state === 'open') this.#tell(`flow ${id}: expected an end, there is none`);
    for (const rows of [this.#open, this.#lastMoment])
      for (const row of rows.keys())
        if (!this.#named.has(row)) this.#tell(`${row}: expected a name, there is none`);
    return this.#problems;
  }

  #check(event: TraceEvent): void {
    if (event.ph === 'M') {
      if (event.name === 'thread_name') this.#named.add(rowOf(event));
      return;
    }
    if (event.ts < this.#timeUs)
      this.#tellOf(event, `expected times in order, received one before that of the event before`);
    this.#timeUs = Math.max(this.#timeUs, event.ts);
    if (event.ph === 'X') this.#checkSlice(event);
    if (event.ph === 'i' && event.s === 't') this.#checkMoment(event);
    if (event.ph === 's' || event.ph === 'f') this.#checkFlow(event);
  }

  /** Spans of a row must nest: one that begins in another ends in it. */
  #checkSlice(event: TraceEvent): void {
    const { name, ts, dur = 0 } = event;
    const endUs = ts + dur;
    this.#checkUnit(event, usToNs(dur));
    const open = this.#open.get(rowOf(event));
    if (open === undefined) {
      this.#open.set(rowOf(event), [{ name, endUs }]);
      return;
    }
    while (open.length > 0 && open.at(-1)!.endUs <= ts) open.pop();
    const around = open.at(-1);
    if (around !== undefined && endUs > around.endUs)
      this.#tellOf(
        event,
        `expected it to end within ${quote(around.name)}, which it begins in (${rowOf(event)}), ` +
          `or to begin ${around.endUs - ts} microseconds later`,
      );
    open.push({ name, endUs });
  }

  #checkMoment(event: TraceEvent): void {
    this.#lastMoment.set(rowOf(event), event.ts);
    this.#checkUnit(event, 0);
  }

  /** A run's span and its report tell the same duration, unless the times are in another unit. */
  #checkUnit(event: TraceEvent, durationNs: number): void {
    const { cat, args } = event;
    const key = cat === 'run' ? 'durationMs' : cat === 'lateness' ? 'latenessMs' : undefined;
    const reportedMs = key === undefined ? undefined : args?.[key];
    if (typeof reportedMs !== 'number') return;
    if (Math.abs(durationNs - reportedMs * 1e6) > UNIT_TOLERANCE_NS)
      this.#tellOf(
        event,
        `expected ${reportedMs * 1e3} microseconds as its ${key} says, received ${durationNs / 1e3}`,
      );
  }

  /** A flow starts once and then ends once, each time at a span around it or at a moment. */
  #checkFlow(event: TraceEvent): void {
    const id = event.id!;
    const state = this.#flows.get(id);
    const expected = event.ph === 's' ? undefined : 'open';
    if (state !== expected)
      this.#tellOf(event, `expected a flow to start once and then to end once, flow ${id} does not`);
    this.#flows.set(id, event.ph === 's' ? 'open' : 'closed');
    const open = this.#open.get(rowOf(event));
    while (open?.length && open.at(-1)!.endUs < event.ts) open.pop();
    if (!open?.length && this.#lastMoment.get(rowOf(event)) !== event.ts)
      this.#tellOf(event, `expected a span around the end of flow ${id}, there is none on ${rowOf(event)}`);
  }

  #tellOf({ name }: TraceEvent, problem: string): void {
    this.#tell(`event ${this.#index} (${quote(name)}): ${problem}`);
  }

  #tell(problem: string): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem);
  }
}
