import { describe, expect, it } from 'vitest';
import { toChromeTrace } from '../../runtime/timeline/chrome-trace.js';
import { checkTimeline } from '../../runtime/timeline/file/check.js';
import type { TimelineData, TimelineNode, TimelineSpan } from '../../runtime/timeline/timeline-data.js';
import { type ChromeTrace, toUs, usToNs } from '../../runtime/timeline/trace-event.js';
import { createRandom, type Random } from '../support/random.js';
import { seeds, withSeed } from '../support/seed.js';

const HOUR_MS = 3_600_000;

/** Moments from `startMs` to `endMs` in order. Some are equal, some a nanosecond or less apart. */
function moments(random: Random, startMs: number, endMs: number, count: number): number[] {
  const times = Array.from({ length: count }, () => startMs + random.next() * (endMs - startMs));
  const near = times.map((time) => Math.min(endMs, time + random.pick([0, 1e-7, 1e-6])));
  return [startMs, ...times, ...near, endMs].sort((a, b) => a - b);
}

/** A run of one segment on one stream whose nodes follow one another without a gap. */
function randomRun(random: Random, run: number, calledMs: number): TimelineData {
  const settledMs = calledMs + 10 ** (random.next() * 8 - 4);
  const [dispatchedMs, ...times] = moments(random, calledMs, settledMs, 12) as [number, ...number[]];
  const nodes = times.slice(1).map(
    (endMs, index): TimelineNode => ({
      name: `n${index}`,
      op: 'Neg',
      fallback: undefined,
      stream: 0,
      startMs: times[index]!,
      endMs,
      scheduledMs: dispatchedMs,
      inputs: [],
      outputs: [],
      bytesLive: 0,
      isEstimated: false,
    }),
  );
  const segment: TimelineSpan = {
    kind: 'segment',
    name: 'segment 0',
    stream: 0,
    startMs: times[0]!,
    endMs: settledMs,
    bytes: 0,
  };
  return {
    run,
    report: {
      run,
      outcome: 'completed',
      executable: 'random',
      mode: 'none',
      timeoutMs: undefined,
      latenessMs: undefined,
      deviceLatenessMs: undefined,
      queuedMs: dispatchedMs - calledMs,
      durationMs: settledMs - dispatchedMs,
      nodesCompleted: nodes.length,
      nodesTotal: nodes.length,
      stoppedBefore: undefined,
      device: 'wasm',
      fallbacks: [],
      stream: 0,
    },
    nodes,
    spans: [segment],
    moments: [],
    links: nodes.slice(1).map((to, index) => ({ from: nodes[index]!, to })),
    skipped: [],
    calledMs,
    dispatchedMs,
    settledMs,
    deadlineMs: undefined,
    abortedMs: undefined,
    dropped: 0,
  };
}

/** Runs one after the other, the first some hours after recording began. */
function randomExport(random: Random): ChromeTrace {
  const runs: TimelineData[] = [];
  for (let run = 1; run <= 4; run++)
    runs.push(randomRun(random, run, runs.at(-1)?.settledMs ?? random.next() ** 8 * 300 * HOUR_MS));
  const exported = toChromeTrace({ device: 'wasm', runs, replacements: [], dropped: 0 });
  return JSON.parse(JSON.stringify(exported)) as ChromeTrace;
}

interface Span {
  readonly row: string;
  readonly start: number;
  readonly end: number;
}

/** Spans as a reader computes them that takes `originUs` off every time. */
function spansFrom({ traceEvents }: ChromeTrace, originUs: number): Span[] {
  return traceEvents
    .filter(({ ph }) => ph === 'X')
    .map(({ pid, tid, ts, dur }) => ({
      row: `${pid} ${tid}`,
      start: ts - originUs,
      end: ts - originUs + dur!,
    }));
}

/** Pairs on one row that neither nest nor are disjoint. */
function overlaps(spans: readonly Span[]): readonly (readonly [Span, Span])[] {
  return spans.flatMap((a, index) =>
    spans.slice(index + 1).flatMap((b) => {
      const disjoint = a.end <= b.start || b.end <= a.start;
      const nested = (a.start <= b.start && b.end <= a.end) || (b.start <= a.start && a.end <= b.end);
      return a.row !== b.row || disjoint || nested ? [] : [[a, b] as const];
    }),
  );
}

describe('the spans of an exported timeline', () => {
  it('nest or are disjoint in doubles, whatever their times', async () => {
    for (const seed of seeds(100)) {
      await withSeed(seed, () => {
        const exported = randomExport(createRandom(seed));
        expect(overlaps(spansFrom(exported, 0))).toEqual([]);
        expect(checkTimeline(exported)).toEqual([]);
      });
    }
  });

  it('do so for a reader that takes the earliest time off all of them', async () => {
    for (const seed of seeds(100)) {
      await withSeed(seed, () => {
        const exported = randomExport(createRandom(seed));
        const [first] = spansFrom(exported, 0).map(({ start }) => start);
        expect(overlaps(spansFrom(exported, first!))).toEqual([]);
      });
    }
  });

  it('do so for a reader that rounds to nanoseconds', async () => {
    for (const seed of seeds(100)) {
      await withSeed(seed, () => {
        const { traceEvents } = randomExport(createRandom(seed));
        const spans = traceEvents
          .filter(({ ph }) => ph === 'X')
          .map(({ pid, tid, ts, dur }) => ({
            row: `${pid} ${tid}`,
            start: usToNs(ts),
            end: usToNs(ts) + usToNs(dur!),
          }));
        expect(overlaps(spans)).toEqual([]);
      });
    }
  });

  it('take some time: what takes none is a moment', async () => {
    for (const seed of seeds(50)) {
      await withSeed(seed, () => {
        const { traceEvents } = randomExport(createRandom(seed));
        expect(traceEvents.filter(({ ph, dur }) => ph === 'X' && !(dur! > 0))).toEqual([]);
        const nodes = traceEvents.filter(({ cat }) => cat === 'node');
        expect(nodes).toHaveLength(4 * 24);
        expect(nodes.some(({ ph }) => ph === 'i')).toBe(true);
      });
    }
  });
});

describe('the rows of an exported timeline', () => {
  it('stay apart, however many runs and host nodes overlap', () => {
    const random = createRandom(1);
    const runs = Array.from({ length: 5100 }, (_, index): TimelineData => {
      const run = randomRun(random, index + 1, 0);
      return {
        ...run,
        links: [],
        settledMs: 10,
        nodes: [{ ...run.nodes[0]!, stream: undefined, startMs: 0, endMs: 10 }],
      };
    });
    const { traceEvents } = toChromeTrace({ device: 'wasm', runs, replacements: [], dropped: 0 });
    const rows = traceEvents
      .filter(({ name }) => name === 'thread_name')
      .map(({ pid, tid }) => `${pid} ${tid}`);
    expect(rows).toHaveLength(2 * runs.length + 1);
    expect(new Set(rows).size).toBe(rows.length);
  });
});

describe('the time of an event', () => {
  it('rounds back to the nanosecond it was, and so does the distance of two', async () => {
    for (const seed of seeds(1000)) {
      await withSeed(seed, () => {
        const random = createRandom(seed);
        const [a, b] = [1, 2].map(() => Math.floor(10 ** (random.next() * 14))) as [number, number];
        expect(usToNs(toUs(a))).toBe(a);
        expect(usToNs(toUs(b) - toUs(a))).toBe(b - a);
      });
    }
  });
});
