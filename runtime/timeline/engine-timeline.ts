/** The timeline of an engine: all runs that were called and settled while it was recorded. */
import type { TimelineRecord } from '../../scheduler/timeline-record.js';
import { toChromeTrace } from './chrome-trace.js';
import type { EngineRecords } from './engine-recording.js';
import { readRun, type SettledRun } from './read-run.js';
import { type StepStats, toStepStats } from './step-stats.js';
import { summarise, type TimelineSummary } from './summary.js';
import { Timeline } from './timeline.js';
import type { TimelineData } from './timeline-data.js';
import type { ChromeTrace } from './trace-event.js';
import { viewTrace } from './trace-view.js';

function byRun(records: readonly TimelineRecord[]): ReadonlyMap<number, readonly TimelineRecord[]> {
  const found = new Map<number, TimelineRecord[]>();
  for (const record of records) {
    const own = found.get(record.run);
    if (own === undefined) found.set(record.run, [record]);
    else own.push(record);
  }
  return found;
}

/**
 * Where the time of an engine went. Times in milliseconds from `startTimeline()`.
 *
 * @example
 * engine.startTimeline({ maxRecords: 100_000 });
 * await serveForAMinute();
 * await writeFile('timeline.json', JSON.stringify(engine.stopTimeline().toChromeTrace()));
 */
export class EngineTimeline {
  readonly #records: EngineRecords;
  readonly #main: ReadonlyMap<number, readonly TimelineRecord[]>;
  readonly #streams: readonly ReadonlyMap<number, readonly TimelineRecord[]>[];
  readonly #complete: readonly SettledRun[];

  /** @internal */
  constructor(records: EngineRecords) {
    this.#records = records;
    this.#main = byRun(records.main);
    this.#streams = records.streams.map(byRun);
    const isThere = ({ run }: SettledRun) =>
      this.#main.get(run)?.some(({ kind }) => kind === 'queued') ?? false;
    this.#complete = records.runs.filter(isThere);
  }

  /** From `startTimeline()` to `stopTimeline()`. */
  get durationMs(): number {
    return this.#records.endMs - this.#records.startMs;
  }

  /** Records that were overwritten: the oldest, on whatever thread wrote more than `maxRecords`. */
  get dropped(): number {
    return this.#records.dropped;
  }

  /** Runs that settled but are missing because their first records were overwritten. */
  get droppedRuns(): number {
    return this.#records.settled - this.#complete.length;
  }

  /** Runs that were called and had not settled by `stopTimeline()`; they are not shown. */
  get unsettledRuns(): number {
    return this.#records.unsettled;
  }

  /** The timelines of the single runs, in the order they settled. */
  get runs(): readonly Timeline[] {
    return this.#complete.map((run) => new Timeline(this.#read(run, run.startMs)));
  }

  /** All runs as Trace Event JSON, for Perfetto and chrome://tracing. */
  toChromeTrace(): ChromeTrace {
    const { device, main, startMs, dropped } = this.#records;
    const replacements = main
      .filter(({ kind, run }) => kind === 'replaced' && run === 0)
      .map((record) => ({ stream: record.id, atMs: record.startMs - startMs }));
    return toChromeTrace({ device, runs: this.#runData(), replacements, dropped });
  }

  /** Statistics by node in TensorFlow's terms; see `StepStats`. */
  toStepStats(): StepStats {
    return toStepStats(this.#records.device, this.#runData());
  }

  /** What took how long: figures, and as `text` what `curfew timeline FILE` prints. */
  summary(): TimelineSummary {
    return summarise(viewTrace(this.toChromeTrace()));
  }

  #runData(): readonly TimelineData[] {
    return this.#complete.map((run) => this.#read(run, this.#records.startMs));
  }

  #read(run: SettledRun, originMs: number): TimelineData {
    const main = this.#main.get(run.run) ?? [];
    const lanes = run.streams.map((stream) => this.#streams[stream]?.get(run.run) ?? []);
    return readRun(run, { main, lanes }, originMs, this.dropped);
  }
}
