/** `curfew/timeline`: draws timelines, compares them, and reads them back from files. */
export { compareTimelines, type NodeDifference, type TimelineComparison } from './compare.js';
export { checkTimeline } from './file/check.js';
export { type ReadOptions, readTimelineFile } from './file/read.js';
export type { TimelineFile } from './file/timeline-file.js';
export { drawTimeline } from './picture/draw.js';
export { type NodeExecStats, type StepStats, stepStats, type TensorDescription } from './step-stats.js';
