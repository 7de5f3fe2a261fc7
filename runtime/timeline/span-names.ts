/** What a timeline calls the spans of a run. */
import type { Plan } from '../../scheduler/plan.js';
import type { RecordKindName } from '../../scheduler/timeline-record.js';
import type { TimelineSpanKind } from './timeline-data.js';

const SPAN_KINDS: { readonly [Kind in RecordKindName]?: TimelineSpanKind } = {
  feeds: 'feeds',
  dispatch: 'dispatch',
  segment: 'segment',
  chunk: 'chunk',
  submit: 'submit',
  fence: 'fence',
  pause: 'pause',
  copyIn: 'copy in',
  copyOut: 'copy out',
  drain: 'drain',
};

/** Kind of the span that a record tells of; `undefined` when it tells of none. */
export const spanKindOf = (record: RecordKindName): TimelineSpanKind | undefined => SPAN_KINDS[record];

/** Names a span. `id` is what its record refers to; see `RECORD_KIND`. */
export function nameSpan({ graph, units }: Plan, kind: TimelineSpanKind, id: number): string {
  const unit = units[id];
  switch (kind) {
    case 'feeds':
      return 'copy feeds';
    case 'drain':
      return 'drain';
    case 'dispatch':
      return unit?.kind === 'segment' ? `dispatch segment ${unit.segment}` : 'dispatch';
    case 'segment':
      return `segment ${id}`;
    case 'chunk':
      return `chunk from ${graph.nodes[id]?.name}`;
    case 'copy in':
      return `copy in ${graph.nodes[graph.values[id]?.producer ?? -1]?.name ?? ''}`.trim();
    case 'copy out':
      return `copy out ${graph.nodes[id]?.name ?? ''}`.trim();
    case 'submit':
      return `submit ${graph.nodes[id]?.name}`;
    case 'fence':
      return `wait for ${graph.nodes[id]?.name}`;
    case 'pause':
      return `hold back ${graph.nodes[id]?.name}`;
  }
}
