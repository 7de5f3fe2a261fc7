/** Chunks in timelines: several nodes that were executed as one call. */
import { describe, expect, it } from 'vitest';
import { checkTimeline } from '../../runtime/timeline/file/check.js';
import { drawTimeline } from '../../runtime/timeline/picture/draw.js';
import { readRun } from '../../runtime/timeline/read-run.js';
import { Timeline } from '../../runtime/timeline/timeline.js';
import { planGraph } from '../../scheduler/plan-graph.js';
import { RecordRing } from '../../scheduler/record-ring.js';
import { StreamTimeline } from '../../scheduler/stream-timeline.js';
import type { RecordKindName, TimelineRecord } from '../../scheduler/timeline-record.js';
import { ManualClock } from '../support/manual-clock.js';
import { chain } from '../support/timelines.js';

const plan = planGraph(chain(4), { streams: 1, placement: 'single' });
const [n0, n1, n2, n3] = plan.programs[0]!.steps.map(({ node }) => node.id);

/** The records of a segment: a chunk of three nodes, then one of a single node. */
function recordSegment(): readonly TimelineRecord[] {
  const ring = RecordRing.create(32);
  const clock = new ManualClock();
  const memory = { liveBytes: 16, peakBytes: 16 };
  const timeline = new StreamTimeline(
    { run: 1, ring: ring.buffer, copy: undefined },
    { clock, memory, constantBytes: 0 },
  );
  const startMs = clock.nowMs();
  const end = timeline.segment(0);
  const parts = [n0, n1, n2].map((node, index) => ({ node: node!, share: [0.5, 0.1, 0.4][index]! }));
  timeline.step({ node: n0!, parts }, startMs + 1, startMs + 11);
  timeline.step({ node: n3!, parts: [{ node: n3!, share: 1 }] }, startMs + 11, startMs + 13);
  clock.advance(14);
  end();
  return ring.read().records.map((record) => ({
    ...record,
    startMs: record.startMs - startMs,
    endMs: record.endMs - startMs,
  }));
}

function timelineOfRecords(): Timeline {
  const main = (kind: RecordKindName, startMs: number, endMs: number): TimelineRecord => ({
    kind,
    run: 1,
    id: 0,
    startMs,
    endMs,
    value: 0,
  });
  const report = {
    run: 1,
    outcome: 'completed',
    executable: 'chain',
    mode: 'none',
    timeoutMs: undefined,
    latenessMs: undefined,
    deviceLatenessMs: undefined,
    queuedMs: 0,
    durationMs: 15,
    nodesCompleted: 4,
    nodesTotal: 4,
    stoppedBefore: undefined,
    device: 'chunks',
    fallbacks: [],
    stream: 0,
  } as const;
  const records = {
    main: [main('queued', 0, 0), main('dispatch', 0, 0.5), main('run', 0, 15)],
    lanes: [recordSegment()],
  };
  return new Timeline(readRun({ run: 1, plan, startMs: 0, streams: [0], report }, records, 0, 0));
}

describe('a chunk in a timeline', () => {
  it('holds its nodes, with its time spread over them', () => {
    const { nodes, spans, skipped } = timelineOfRecords();
    expect(nodes.map(({ name, startMs, endMs, isEstimated }) => [name, startMs, endMs, isEstimated])).toEqual(
      [
        ['n0', 1, 6, true],
        ['n1', 6, 7, true],
        ['n2', 7, 11, true],
        ['n3', 11, 13, false],
      ],
    );
    const chunks = spans.filter(({ kind }) => kind === 'chunk');
    expect(chunks).toMatchObject([{ name: 'chunk from n0', startMs: 1, endMs: 11, stream: 0 }]);
    expect(skipped).toEqual([]);
  });

  it('is exported around its nodes, and takes no time of its own', () => {
    const timeline = timelineOfRecords();
    const trace = timeline.toChromeTrace();
    expect(checkTimeline(trace)).toEqual([]);
    const estimated = trace.traceEvents.filter(({ args }) => args?.['estimated'] === true);
    expect(estimated.map(({ name }) => name)).toEqual(['n0', 'n1', 'n2']);
    const { text, nodes } = timeline.summary();
    expect(nodes.map(({ name, isEstimated }) => [name, isEstimated])).toContainEqual(['n3', false]);
    expect(text).toMatch(/n0 .*~5\.00 ms/);
    expect(text).toMatch(/n3 .* 2\.00 ms/);
    const [row] = timeline.summary().rows;
    expect(row).toMatchObject({ nodesMs: 12, beforeMs: 0 });
  });

  it('is drawn as a frame', () => {
    expect(drawTimeline(timelineOfRecords())).toContain('<rect class="chunk"');
  });
});
