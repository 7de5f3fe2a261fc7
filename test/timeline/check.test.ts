import { describe, expect, it } from 'vitest';
import { checkTimeline } from '../../runtime/timeline/file/check.js';
import type { TraceEvent } from '../../runtime/timeline/trace-event.js';

const X: TraceEvent = { name: 'span', ph: 'X', pid: 1, tid: 1, ts: 10, dur: 10, cat: 'node', args: {} };
const NAME: TraceEvent = { name: 'thread_name', ph: 'M', pid: 1, tid: 1, ts: 0, args: { name: 'row' } };
const MOMENT: TraceEvent = { name: 'moment', ph: 'i', pid: 1, tid: 1, ts: 10, s: 't', args: {} };
const START: TraceEvent = { name: 'flow', ph: 's', pid: 1, tid: 1, ts: 12, id: 1, cat: 'flow' };
const END: TraceEvent = { ...START, ph: 'f', ts: 14, bp: 'e' };

function exportOf(...traceEvents: readonly unknown[]): unknown {
  const otherData = { producer: 'curfew', device: 'wasm', droppedRecords: 0 };
  return { displayTimeUnit: 'ms', otherData, traceEvents: [NAME, ...traceEvents] };
}

const valid: readonly (readonly [string, unknown])[] = [
  ['no events', exportOf()],
  ['spans that nest', exportOf(X, { ...X, ts: 12, dur: 3 }, { ...X, ts: 15, dur: 5 })],
  ['spans that touch', exportOf(X, { ...X, ts: 20 })],
  ['spans that overlap on different rows', exportOf(X, { ...X, tid: 2, ts: 15 }, { ...NAME, tid: 2 })],
  ['a flow between spans', exportOf(X, START, END)],
  ['a flow between moments', exportOf({ ...MOMENT, ts: 12 }, START, { ...MOMENT, ts: 14 }, END)],
  ['a counter and an instant', exportOf({ ...X, ph: 'C', args: { bytes: 1 } }, { ...X, ph: 'i', s: 't' })],
];

const broken: readonly (readonly [string, unknown, RegExp])[] = [
  ['nothing', undefined, /traceEvents: expected an array/],
  ['a number', 7, /traceEvents: expected an array/],
  ['another unit', { ...(exportOf() as object), displayTimeUnit: 'ns' }, /displayTimeUnit: expected "ms"/],
  ['another producer', { ...(exportOf() as object), otherData: {} }, /producer: expected "curfew"/],
  ['an event that is none', exportOf(null), /event 1: expected an object, received null/],
  [
    'an unknown phase',
    exportOf({ ...X, ph: 'B' }),
    /expected a phase "ph" of X, i, C, s, f, M, received "B"/,
  ],
  ['a phase of every object', exportOf({ ...X, ph: 'constructor' }), /expected a phase/],
  ['no name', exportOf({ ...X, name: undefined }), /expected a "name"/],
  ['a row that is no number', exportOf({ ...X, tid: '1' }), /expected whole numbers "pid" and "tid"/],
  ['a time before the start', exportOf({ ...X, ts: -1 }), /expected a time "ts"/],
  ['a time beyond all time', exportOf({ ...X, ts: 1e300 }), /expected a time "ts"/],
  ['no duration', exportOf({ ...X, dur: undefined }), /expected a duration "dur" in microseconds/],
  ['a negative duration', exportOf({ ...X, dur: -1 }), /expected a duration/],
  ['an instant without reach', exportOf({ ...X, ph: 'i' }), /expected a reach "s"/],
  ['a counter of words', exportOf({ ...X, ph: 'C', args: { bytes: '1' } }), /expected numbers as "args"/],
  ['a counter of nothing', exportOf({ ...X, ph: 'C' }), /expected numbers as "args"/],
  ['unknown metadata', exportOf({ ...NAME, name: 'color' }), /expected metadata/],
  ['arguments that are a list', exportOf({ ...X, args: [] }), /expected an object "args"/],
  ['times out of order', exportOf(X, { ...X, ts: 5, dur: 1 }), /expected times in order/],
  ['spans that overlap', exportOf(X, { ...X, ts: 15 }), /expected it to end within "span"/],
  [
    'spans that overlap by the rounding of doubles',
    exportOf({ ...X, ts: 0, dur: 1 }, { ...X, ts: 0.1, dur: 0.2 }, { ...X, ts: 0.3, dur: 0.2 }),
    /or to begin 5\.5\d*e-17 microseconds later/,
  ],
  ['a moment on a row without a name', exportOf({ ...MOMENT, tid: 9 }), /row 1\/9: expected a name/],
  ['a flow between moments of other times', exportOf(MOMENT, START, END), /expected a span around the end/],
  ['a row without a name', exportOf({ ...X, tid: 9 }), /row 1\/9: expected a name/],
  ['a flow that never ends', exportOf(X, START), /flow 1: expected an end/],
  ['a flow that never starts', exportOf(X, END), /expected a flow to start once/],
  ['a flow that ends twice', exportOf(X, START, END, END), /expected a flow to start once/],
  ['a flow that starts twice', exportOf(X, START, START, END), /expected a flow to start once/],
  ['a flow from nowhere', exportOf({ ...START, ts: 5 }, X, END), /expected a span around the end of flow 1/],
  [
    'a flow end without its binding',
    exportOf(X, START, { ...END, bp: undefined }),
    /expected "bp" to be "e"/,
  ],
  [
    'a run in another unit',
    exportOf({ ...X, cat: 'run', dur: 4, args: { durationMs: 4 } }),
    /expected 4000 microseconds as its durationMs says, received 4/,
  ],
];

describe('the check of an exported timeline', () => {
  it.each(valid)('passes %s', (_, exported) => {
    expect(checkTimeline(exported)).toEqual([]);
  });

  it.each(broken)('refuses %s, with the reason', (_, exported, reason) => {
    const problems = checkTimeline(exported);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join('\n')).toMatch(reason);
  });

  it('tells a bounded number of problems', () => {
    expect(
      checkTimeline(exportOf(X, ...Array(100).fill({ ...X, ts: 5, dur: 1 }))).length,
    ).toBeLessThanOrEqual(20);
  });
});
