/** The timeline of one run, as callers get it. */
import type { RunReport } from '../../scheduler/outcome.js';
import { type ChromeTrace, toChromeTrace } from './chrome-trace.js';
import type { TimelineData, TimelineNode } from './timeline-data.js';

/**
 * Where the time of a run went.
 *
 * @example
 * const { timeline } = await executable.run(feeds, { timeline: true });
 * await writeFile('timeline.json', JSON.stringify(timeline.toChromeTrace())); // open it at ui.perfetto.dev
 */
export class Timeline implements TimelineData {
  readonly report: RunReport;
  readonly nodes: readonly TimelineNode[];
  readonly dispatchedMs: number | undefined;
  readonly settledMs: number;
  readonly deadlineMs: number | undefined;
  readonly abortedMs: number | undefined;

  constructor(data: TimelineData) {
    this.report = data.report;
    this.nodes = Object.freeze([...data.nodes].sort((a, b) => a.startMs - b.startMs));
    this.dispatchedMs = data.dispatchedMs;
    this.settledMs = data.settledMs;
    this.deadlineMs = data.deadlineMs;
    this.abortedMs = data.abortedMs;
  }

  /** The timeline as Trace Event JSON, for Perfetto (ui.perfetto.dev) and chrome://tracing. Times in microseconds. */
  toChromeTrace(): ChromeTrace {
    return toChromeTrace(this);
  }
}
