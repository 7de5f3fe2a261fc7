/** The arrows of a trace: from dispatch to execution, and from a value's node to whoever waited for it. */
import type { Lanes } from './lanes.js';
import type { TimelineData, TimelineLink } from './timeline-data.js';
import { flow, type TraceEvent, toNs } from './trace-event.js';

/**
 * An arrow leaves the last nanosecond of its span, as viewers look for a span around it, but not later than it arrives: a
 * thread may have begun before the call that told it to has returned.
 */
function leaveNs({ from, to }: TimelineLink): number {
  const startNs = toNs(from.startMs);
  return Math.max(startNs, Math.min(toNs(from.endMs) - 1, toNs(to.startMs)));
}

/** The arrows of some runs, numbered through. */
export function flowsOf(runs: readonly TimelineData[], lanes: Lanes): readonly TraceEvent[] {
  let id = 0;
  return runs.flatMap((run) =>
    run.links.flatMap((link) => {
      const laneOf = (end: TimelineLink['from']) => ('kind' in end ? lanes.span(end, run) : lanes.node(end));
      const fromNs = leaveNs(link);
      const arriveNs = Math.max(fromNs, toNs(link.to.startMs));
      if (arriveNs > toNs(link.to.endMs)) return [];
      const name = 'kind' in link.from ? link.from.kind : 'value';
      return flow(++id, name, { ...laneOf(link.from), atNs: fromNs }, { ...laneOf(link.to), atNs: arriveNs });
    }),
  );
}
