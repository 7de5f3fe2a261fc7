import { describe, expect, it } from 'vitest';
import { checkTrace, parseTrace } from '../../runtime/timeline/check-trace.js';
import { summarise } from '../../runtime/timeline/summary.js';
import type { ChromeTrace, TraceEvent } from '../../runtime/timeline/trace-event.js';
import { viewTrace } from '../../runtime/timeline/trace-view.js';
import { startEngine } from '../support/engines.js';
import { createRandom } from '../support/random.js';
import { seeds, withSeed } from '../support/seed.js';
import { chain, checkedTrace, timelineOf } from '../support/timelines.js';

const X: TraceEvent = { name: 'span', ph: 'X', pid: 1, tid: 1, ts: 10, dur: 10, cat: 'node', args: {} };
const NAME: TraceEvent = { name: 'thread_name', ph: 'M', pid: 1, tid: 1, ts: 0, args: { name: 'lane' } };
const START: TraceEvent = { name: 'flow', ph: 's', pid: 1, tid: 1, ts: 12, id: 1, cat: 'flow' };
const END: TraceEvent = { ...START, ph: 'f', ts: 14, bp: 'e' };

function traceOf(...traceEvents: readonly unknown[]): unknown {
  const otherData = { producer: 'curfew', device: 'wasm', droppedRecords: 0 };
  return { displayTimeUnit: 'ms', otherData, traceEvents: [NAME, ...traceEvents] };
}

const valid: readonly (readonly [string, unknown])[] = [
  ['no events', traceOf()],
  ['spans that nest', traceOf(X, { ...X, ts: 12, dur: 3 }, { ...X, ts: 15, dur: 5 })],
  ['spans that touch', traceOf(X, { ...X, ts: 20 })],
  ['spans that overlap on different lanes', traceOf(X, { ...X, tid: 2, ts: 15 }, { ...NAME, tid: 2 })],
  ['a flow between spans', traceOf(X, START, END)],
  ['a counter and an instant', traceOf({ ...X, ph: 'C', args: { bytes: 1 } }, { ...X, ph: 'i', s: 't' })],
];

const broken: readonly (readonly [string, unknown, RegExp])[] = [
  ['nothing', undefined, /traceEvents: expected an array/],
  ['a number', 7, /traceEvents: expected an array/],
  ['another unit', { ...(traceOf() as object), displayTimeUnit: 'ns' }, /displayTimeUnit: expected "ms"/],
  ['another producer', { ...(traceOf() as object), otherData: {} }, /producer: expected "curfew"/],
  ['an event that is none', traceOf(null), /event 1: expected an object, received null/],
  ['an unknown phase', traceOf({ ...X, ph: 'B' }), /expected a phase "ph" of X, i, C, s, f, M, received "B"/],
  ['a phase of every object', traceOf({ ...X, ph: 'constructor' }), /expected a phase/],
  ['no name', traceOf({ ...X, name: undefined }), /expected a "name"/],
  ['a lane that is no number', traceOf({ ...X, tid: '1' }), /expected whole numbers "pid" and "tid"/],
  ['a time before the start', traceOf({ ...X, ts: -1 }), /expected a time "ts"/],
  ['a time beyond all time', traceOf({ ...X, ts: 1e300 }), /expected a time "ts"/],
  ['no duration', traceOf({ ...X, dur: undefined }), /expected a duration "dur" in microseconds/],
  ['a negative duration', traceOf({ ...X, dur: -1 }), /expected a duration/],
  ['an instant without reach', traceOf({ ...X, ph: 'i' }), /expected a reach "s"/],
  ['a counter of words', traceOf({ ...X, ph: 'C', args: { bytes: '1' } }), /expected numbers as "args"/],
  ['a counter of nothing', traceOf({ ...X, ph: 'C' }), /expected numbers as "args"/],
  ['unknown metadata', traceOf({ ...NAME, name: 'colour' }), /expected metadata/],
  ['arguments that are a list', traceOf({ ...X, args: [] }), /expected an object "args"/],
  ['times out of order', traceOf(X, { ...X, ts: 5, dur: 1 }), /expected times in order/],
  ['spans that overlap', traceOf(X, { ...X, ts: 15 }), /expected it to end within "span"/],
  ['a lane without a name', traceOf({ ...X, tid: 9 }), /lane 1\/9: expected a name/],
  ['a flow that never ends', traceOf(X, START), /flow 1: expected an end/],
  ['a flow that never starts', traceOf(X, END), /expected a flow to start once/],
  ['a flow that ends twice', traceOf(X, START, END, END), /expected a flow to start once/],
  ['a flow that starts twice', traceOf(X, START, START, END), /expected a flow to start once/],
  ['a flow from nowhere', traceOf({ ...START, ts: 5 }, X, END), /expected a span around the end of flow 1/],
  ['a flow end without its binding', traceOf(X, START, { ...END, bp: undefined }), /expected "bp" to be "e"/],
  [
    'a run in another unit',
    traceOf({ ...X, cat: 'run', dur: 4, args: { durationMs: 4 } }),
    /expected 4000 microseconds as its durationMs says, received 4/,
  ],
];

describe('the check of a trace', () => {
  it.each(valid)('passes %s', (_, trace) => {
    expect(checkTrace(trace)).toEqual([]);
  });

  it.each(broken)('refuses %s, with the reason', (_, trace, reason) => {
    const problems = checkTrace(trace);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join('\n')).toMatch(reason);
  });

  it('tells a bounded number of problems', () => {
    expect(checkTrace(traceOf(X, ...Array(100).fill({ ...X, ts: 5, dur: 1 }))).length).toBeLessThanOrEqual(
      20,
    );
  });
});

describe('a file', () => {
  it.each([
    ['no JSON', '{', /file.json: expected JSON/],
    ['another JSON', '[]', /file.json: traceEvents/],
    [
      'objects that pretend',
      '{"traceEvents":[{"ph":{"toString":1},"constructor":{"name":{"toString":1}}}]}',
      /file/,
    ],
  ])('that is %s is refused with INVALID_TIMELINE', (_, text, reason) => {
    expect(() => parseTrace(text, 'file.json')).toThrow(
      expect.objectContaining({
        code: 'INVALID_TIMELINE',
        message: expect.stringMatching(reason) as string,
      }) as Error,
    );
  });

  it('with any character replaced is read or refused, and nothing else', async () => {
    const engine = await startEngine({ device: 'virtual' });
    const text = JSON.stringify(checkedTrace(await timelineOf(await engine.compile(chain(2)))));
    for (const seed of seeds(200)) {
      await withSeed(seed, () => {
        const random = createRandom(seed);
        const at = Math.floor(random.next() * text.length);
        const other = '{}[],:"0-9eE. null'[Math.floor(random.next() * 18)]!;
        const changed = text.slice(0, at) + other + text.slice(at + 1);
        let trace: ChromeTrace | undefined;
        try {
          trace = parseTrace(changed, 'file.json');
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_TIMELINE' });
        }
        // What was read can be summed up, whatever it says.
        if (trace !== undefined) expect(typeof summarise(viewTrace(trace)).text).toBe('string');
      });
    }
  });
});
