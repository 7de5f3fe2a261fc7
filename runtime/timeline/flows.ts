/** The arrows of an exported timeline: from dispatch to execution, and from the node that makes a value to those that wait for it. */
import type { Rows } from './rows.js';
import type { TimelineData, TimelineLink } from './timeline-data.js';
import { flow, type TraceEvent, toNs } from './trace-event.js';

/**
 * An arrow leaves in the last nanosecond of its span, as viewers look for a span around it, but not later than it arrives:
 * a thread may begin before the call that told it to has returned.
 */
function leaveNs({ from, to }: TimelineLink): number {
  const startNs = toNs(from.startMs);
  return Math.max(startNs, Math.min(toNs(from.endMs) - 1, toNs(to.startMs)));
}

/** The arrows of some runs. Their ids count through all of them. */
export function flowsOf(runs: readonly TimelineData[], rows: Rows): readonly TraceEvent[] {
  let id = 0;
  return runs.flatMap((run) =>
    run.links.flatMap((link) => {
      const rowOf = (end: TimelineLink['from']) => ('kind' in end ? rows.span(end, run) : rows.node(end));
      const fromNs = leaveNs(link);
      const arriveNs = Math.max(fromNs, toNs(link.to.startMs));
      if (arriveNs > toNs(link.to.endMs)) return [];
      const name = 'kind' in link.from ? link.from.kind : 'value';
      return flow(++id, name, { ...rowOf(link.from), atNs: fromNs }, { ...rowOf(link.to), atNs: arriveNs });
    }),
  );
}
