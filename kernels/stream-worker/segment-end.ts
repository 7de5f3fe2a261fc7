/** Ends of segments of which nothing was executed. */
import type { SlotIndex } from '../../scheduler/stream.js';
import type { SegmentEnd } from './protocol.js';

/** What is to be said of such a segment, but for how it ended. */
export function notBegun(slot: SlotIndex, segment: number): Omit<SegmentEnd, 'status'> {
  return {
    type: 'segment',
    slot,
    segment,
    nodesCompleted: 0,
    stoppedBefore: undefined,
    error: undefined,
    outputs: [],
    endedMs: undefined,
    defunct: false,
  };
}
