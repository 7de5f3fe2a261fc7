/** The timeline of one run: when it waited, when each node ran, and where it was stopped. */
import type { RunReport } from '../../scheduler/outcome.js';
import { type ChromeTrace, toChromeTrace } from './chrome-trace.js';

/** One node that ran to its end. Times in milliseconds from the call of `run()`. */
export interface TimelineNode {
  readonly name: string;
  /** Op of a kernel node; `host` for a host node. */
  readonly op: string;
  /** Index of the stream; `undefined` for a host node. */
  readonly stream: number | undefined;
  readonly startMs: number;
  readonly endMs: number;
}

/** What a timeline consists of. Times in milliseconds from the call of `run()`. */
export interface TimelineData {
  readonly report: RunReport;
  readonly nodes: readonly TimelineNode[];
  /** When the run was dispatched; `undefined` when it never was. */
  readonly dispatchedMs: number | undefined;
  readonly settledMs: number;
  readonly deadlineMs: number | undefined;
  readonly abortedMs: number | undefined;
}

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
