/** The timeline of one run, as callers get it. */
import type { RunReport } from '../../scheduler/outcome.js';
import { toChromeTrace } from './chrome-trace.js';
import { summarize, type TimelineSummary } from './summary.js';
import type {
  TimelineData,
  TimelineMoment,
  TimelineNode,
  TimelineSource,
  TimelineSpan,
} from './timeline-data.js';
import { viewTimeline } from './timeline-view.js';
import type { ChromeTrace } from './trace-event.js';

/**
 * Where the time of a run went. Times in milliseconds from the call of `run()`. `curfew/timeline` draws it, compares it
 * with others, and gives step statistics.
 *
 * @example
 * const { timeline } = await executable.run(feeds, { timeline: true });
 * console.log(timeline.summary().text);
 * await writeFile('timeline.json', JSON.stringify(timeline.toChromeTrace())); // open it at ui.perfetto.dev
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

  /** Records that did not fit and are missing here. */
  get dropped(): number {
    return this.#data.dropped;
  }

  /** Exports the timeline in the Trace Event format, for Perfetto (ui.perfetto.dev), chrome://tracing and speedscope. */
  toChromeTrace(): ChromeTrace {
    return toChromeTrace(this.source);
  }

  /** Sums the timeline up in figures; their `text` is what `curfew timeline FILE` prints. */
  summary(): TimelineSummary {
    return summarize(viewTimeline(this.toChromeTrace()));
  }

  /** For `curfew/timeline`. @internal */
  get source(): TimelineSource {
    const { report, dropped } = this.#data;
    return { device: report.device, runs: [this.#data], replacements: [], dropped };
  }
}
