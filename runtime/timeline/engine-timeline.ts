/** The timeline of an engine: all runs called and settled during the recording. */
import type { TimelineRecord } from '../../scheduler/timeline-record.js';
import { toChromeTrace } from './chrome-trace.js';
import type { EngineRecords } from './engine-recording.js';
import { readRun, type SettledRun } from './read-run.js';
import { summarize, type TimelineSummary } from './summary.js';
import { Timeline } from './timeline.js';
import type { TimelineData, TimelineSource } from './timeline-data.js';
import { viewTimeline } from './timeline-view.js';
import type { ChromeTrace } from './trace-event.js';

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
 * Where the time of an engine went. Times in milliseconds from `startTimeline()`. `curfew/timeline` compares it with others
 * and gives step statistics.
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

  /** Records that were overwritten: the oldest of each thread that wrote more than `maxRecords`. */
  get dropped(): number {
    return this.#records.dropped;
  }

  /** Runs that settled and are missing because their first records were overwritten. */
  get droppedRuns(): number {
    return this.#records.settled - this.#complete.length;
  }

  /** Runs that were called and had not settled at `stopTimeline()`. They are missing, too. */
  get unsettledRuns(): number {
    return this.#records.unsettled;
  }

  /** The timelines of the single runs, in the order they settled. */
  get runs(): readonly Timeline[] {
    return this.#complete.map((run) => new Timeline(this.#read(run, run.startMs)));
  }

  /** Exports all runs in the Trace Event format, for Perfetto (ui.perfetto.dev), chrome://tracing and speedscope. */
  toChromeTrace(): ChromeTrace {
    return toChromeTrace(this.source);
  }

  /** Sums the timeline up in figures; their `text` is what `curfew timeline FILE` prints. */
  summary(): TimelineSummary {
    return summarize(viewTimeline(this.toChromeTrace()));
  }

  /** For `curfew/timeline`. @internal */
  get source(): TimelineSource {
    const { device, main, startMs, dropped } = this.#records;
    const replacements = main
      .filter(({ kind, run }) => kind === 'replaced' && run === 0)
      .map((record) => ({ stream: record.id, atMs: record.startMs - startMs }));
    return { device, runs: this.#runData(), replacements, dropped };
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
