/** The timeline of one run, as callers get it. */
import type { RunReport } from '../../scheduler/outcome.js';
import { toChromeTrace } from './chrome-trace.js';
import { type StepStats, toStepStats } from './step-stats.js';
import { summarise, type TimelineSummary } from './summary.js';
import { toSvg } from './svg.js';
import type { TimelineData, TimelineMoment, TimelineNode, TimelineSpan } from './timeline-data.js';
import type { ChromeTrace } from './trace-event.js';
import { viewTrace } from './trace-view.js';

/**
 * Where the time of a run went. Times in milliseconds from the call of `run()`.
 *
 * @example
 * const { timeline } = await executable.run(feeds, { timeline: true });
 * console.log(timeline.summary().text);
 * await writeFile('timeline.json', JSON.stringify(timeline.toChromeTrace())); // open it at ui.perfetto.dev
 * await writeFile('timeline.svg', timeline.toSvg());
 */
export class Timeline {
  readonly #data: TimelineData;

  /** @internal */
  constructor(data: TimelineData) {
    this.#data = data;
  }

  get report(): RunReport {
    return this.#data.report;
  }

  /** Nodes that ran to their end, by start. */
  get nodes(): readonly TimelineNode[] {
    return this.#data.nodes;
  }

  /** What else took time, by start. */
  get spans(): readonly TimelineSpan[] {
    return this.#data.spans;
  }

  /** Where the run was stopped, what failed. */
  get moments(): readonly TimelineMoment[] {
    return this.#data.moments;
  }

  /** Names of the nodes that did not run, in the order of the graph. Empty when records were dropped. */
  get skipped(): readonly string[] {
    return this.#data.skipped;
  }

  /** When the run was dispatched; `undefined` when it never was. */
  get dispatchedMs(): number | undefined {
    return this.#data.dispatchedMs;
  }

  get settledMs(): number {
    return this.#data.settledMs;
  }

  get deadlineMs(): number | undefined {
    return this.#data.deadlineMs;
  }

  get abortedMs(): number | undefined {
    return this.#data.abortedMs;
  }

  /** Records that did not fit: what is missing here. */
  get dropped(): number {
    return this.#data.dropped;
  }

  /** The timeline as Trace Event JSON, for Perfetto (ui.perfetto.dev) and chrome://tracing. Times in microseconds. */
  toChromeTrace(): ChromeTrace {
    const { report, dropped } = this.#data;
    return toChromeTrace({ device: report.device, runs: [this.#data], replacements: [], dropped });
  }

  /** Statistics by node in TensorFlow's terms; see `StepStats`. */
  toStepStats(): StepStats {
    return toStepStats(this.#data.report.device, [this.#data]);
  }

  /** What took how long: figures, and as `text` what `curfew timeline FILE` prints. */
  summary(): TimelineSummary {
    return summarise(viewTrace(this.toChromeTrace()));
  }

  /** A picture of the run, for light and dark backgrounds. */
  toSvg(): string {
    return toSvg(this.#data);
  }
}
