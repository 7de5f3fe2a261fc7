/** An exported timeline that was read from a file and keeps the rules of its format. */
import { summarize, type TimelineSummary } from '../summary.js';
import type { TimelineView } from '../timeline-view.js';

/** A timeline read back from a file; see `readTimelineFile`. */
export class TimelineFile {
  /** The path it was read from. */
  readonly file: string;
  /** Number of its events. */
  readonly events: number;
  readonly #view: TimelineView;

  /** @internal */
  constructor(file: string, events: number, view: TimelineView) {
    this.file = file;
    this.events = events;
    this.#view = view;
  }

  /** Sums the timeline up in figures, the same as `timeline.summary()` before it was exported. */
  summary(): TimelineSummary {
    return summarize(this.#view);
  }

  /** For `compareTimelines`. @internal */
  get view(): TimelineView {
    return this.#view;
  }
}
