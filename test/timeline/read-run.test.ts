import { describe, expect, it } from 'vitest';
import { drawTimeline } from '../../runtime/timeline/picture/draw.js';
import { readRun } from '../../runtime/timeline/read-run.js';
import { Timeline } from '../../runtime/timeline/timeline.js';
import type { RunReport } from '../../scheduler/outcome.js';
import { planGraph } from '../../scheduler/plan-graph.js';
import type { RecordKindName, TimelineRecord } from '../../scheduler/timeline-record.js';
import { chain, checkedExport } from '../support/timelines.js';

const graph = chain(3);
const plan = planGraph(graph, { streams: 1, placement: 'single' });
const [n0, n1, n2] = graph.nodes.filter(({ kind }) => kind === 'kernel').map(({ id }) => id);

const record = (kind: RecordKindName, id: number, startMs: number, endMs: number): TimelineRecord => ({
  kind,
  run: 1,
  id,
  startMs,
  endMs,
  value: 0,
});

const report: RunReport = {
  run: 1,
  outcome: 'deadline-exceeded',
  executable: 'chain',
  mode: 'node',
  timeoutMs: 5,
  latenessMs: 2,
  deviceLatenessMs: 1,
  queuedMs: 0,
  durationMs: 7,
  nodesCompleted: 2,
  nodesTotal: 3,
  stoppedBefore: 'n2',
  device: 'queue',
  fallbacks: [],
  stream: 0,
};
const settled = { run: 1, plan, startMs: 100, streams: [0], report };
const main = [
  record('queued', 0, 100, 100),
  record('dispatch', 0, 100, 100.5),
  record('run', 0, 100, 107),
  record('deadline', 0, 105, 105),
];

describe('the records of a run', () => {
  it('on a device that cannot time its work tell what was submitted and awaited, and skip only the rest', () => {
    const lane = [
      record('submit', n0!, 101, 101.5),
      record('fence', n0!, 101.5, 103),
      record('submit', n1!, 103, 103.5),
      record('fence', n1!, 103.5, 106),
      record('stop', n2!, 106, 106),
      record('segment', 0, 101, 106),
    ];
    const timeline = new Timeline(readRun(settled, { main, lanes: [lane] }, 100, 0));
    expect(timeline.nodes).toEqual([]);
    expect(timeline.skipped).toEqual(['n2']);
    expect(timeline.moments).toEqual([{ kind: 'stop', stream: 0, atMs: 6, node: 'n2' }]);
    checkedExport(timeline);
    expect(drawTimeline(timeline)).toContain('1 node skipped');
  });

  it('that are incomplete say so instead of guessing what was skipped', () => {
    const lane = [record('node', n1!, 103, 106), record('segment', 0, 101, 106)];
    const timeline = new Timeline(readRun(settled, { main, lanes: [lane] }, 100, 17));
    expect(timeline.skipped).toEqual([]);
    expect(timeline.dropped).toBe(17);
    expect(checkedExport(timeline).otherData.droppedRecords).toBe(17);
    expect(timeline.summary().text).toContain('INCOMPLETE: 17 records were dropped');
    expect(drawTimeline(timeline)).toContain('INCOMPLETE: 17 records dropped');
  });
});
