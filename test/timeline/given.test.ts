import { describe, expect, it } from 'vitest';
import { compareTimelines, drawTimeline, stepStats } from '../../runtime/timeline/index.js';
import type { Timeline } from '../../runtime/timeline/timeline.js';
import { startEngine } from '../support/engines.js';
import { chain, timelineOf } from '../support/timelines.js';

const text = expect.stringMatching('timeline') as string;
const invalid = expect.objectContaining({ code: 'INVALID_OPTION', expected: text }) as Error;

describe('the functions of curfew/timeline', () => {
  it.each([[undefined], [null], [{}], ['timeline.json'], [{ toChromeTrace: () => ({}) }]])(
    'refuse %j with INVALID_OPTION',
    (given) => {
      const timeline = given as unknown as Timeline;
      expect(() => drawTimeline(timeline)).toThrow(invalid);
      expect(() => stepStats(timeline)).toThrow(invalid);
      expect(() => compareTimelines(timeline, timeline)).toThrow(invalid);
    },
  );

  it('take the timeline of an engine where several runs make sense, and draw single runs only', async () => {
    const engine = await startEngine({ device: 'virtual', virtual: { kernelMs: () => 1 } });
    const executable = await engine.compile(chain(3));
    engine.startTimeline();
    const one = await timelineOf(executable);
    await timelineOf(executable);
    const all = engine.stopTimeline();
    expect(stepStats(all).dev_stats[0]!.node_stats).toHaveLength(6);
    expect(compareTimelines(one, all)).toMatchObject({ common: { count: 3 }, onlyInA: 0, onlyInB: 0 });
    expect(() => drawTimeline(all as unknown as Timeline)).toThrow(invalid);
    expect(drawTimeline(all.runs[1]!)).toContain('<svg');
  });
});
