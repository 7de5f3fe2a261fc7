/** What callers hand to the functions of `curfew/timeline`. */
import { invalidOption } from '../option-checks.js';
import { EngineTimeline } from './engine-timeline.js';
import { TimelineFile } from './file/timeline-file.js';
import { Timeline } from './timeline.js';
import type { TimelineSource } from './timeline-data.js';
import { type TimelineView, viewTimeline } from './timeline-view.js';

/** What recorded timelines are made from. `what` names the argument. @throws INVALID_OPTION for anything else */
export function sourceOf(given: Timeline | EngineTimeline, what: string): TimelineSource {
  if (given instanceof Timeline || given instanceof EngineTimeline) return given.source;
  throw invalidOption(what, 'the timeline of a run or of an engine', given);
}

/** What timelines show, recorded or read from files. `what` names the argument. @throws INVALID_OPTION for anything else */
export function viewOf(given: Timeline | EngineTimeline | TimelineFile, what: string): TimelineView {
  if (given instanceof TimelineFile) return given.view;
  if (given instanceof Timeline || given instanceof EngineTimeline)
    return viewTimeline(given.toChromeTrace());
  throw invalidOption(what, 'a timeline, or a file that readTimelineFile() has read', given);
}
