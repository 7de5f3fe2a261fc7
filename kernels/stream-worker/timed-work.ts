/** Records what a queueing device timed itself. */
import type { TimedWork } from '../../scheduler/kernel.js';
import type { ExchangeEntry, StepRange } from '../../scheduler/program.js';
import type { PreparedStep } from '../../scheduler/segment-execution.js';
import type { StreamTimeline } from '../../scheduler/stream-timeline.js';
import { RECORD_KIND } from '../../scheduler/timeline-record.js';

/** A device that reads several outputs in one copy cannot tell of which node. */
const SEVERAL_NODES = -1;

/** Takes the work of one segment as the device tells of it: each kind in the order it was handed over. */
export function recordTimedWork(
  timeline: StreamTimeline,
  steps: readonly PreparedStep[],
  { firstStep }: StepRange,
  imported: readonly ExchangeEntry[],
): (work: TimedWork) => void {
  let nextStep = firstStep;
  let nextImport = 0;
  return ({ kind, startMs, endMs, bytes }) => {
    switch (kind) {
      case 'node':
        timeline.node(steps[nextStep++]!.node, startMs, endMs);
        break;
      case 'copy-in':
        timeline.span(RECORD_KIND.copyIn, imported[nextImport++]!.value, startMs, bytes, endMs);
        break;
      case 'copy-out':
        timeline.span(RECORD_KIND.copyOut, SEVERAL_NODES, startMs, bytes, endMs);
        break;
    }
  };
}
