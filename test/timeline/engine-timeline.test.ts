import { describe, expect, it } from 'vitest';
import { RecordRing } from '../../scheduler/record-ring.js';
import { startEngine } from '../support/engines.js';
import { chain, checkedExport, eventsOf, timelineOf, X } from '../support/timelines.js';

const virtual = { kernelMs: () => 1 };
const startVirtual = (streams = 1) => startEngine({ device: 'virtual', virtual, streams });

describe("an engine's timeline", () => {
  it('has every run that settled while it was recorded, whatever the run asked for', async () => {
    const engine = await startVirtual(2);
    const executable = await engine.compile(chain(4), { name: 'chain' });
    await executable.run(X);
    engine.startTimeline();
    const runs = [{}, { timeline: true }, { timeoutMs: 2.5 }, { timeoutMs: 0 }].map((options) =>
      executable.run(X, options),
    );
    await Promise.allSettled(runs);
    const timeline = engine.stopTimeline();
    await executable.run(X);
    const outcomes = timeline.runs.map(({ report }) => report.outcome).sort();
    expect(outcomes).toEqual(['completed', 'completed', 'deadline-exceeded', 'deadline-exceeded']);
    expect(timeline).toMatchObject({ dropped: 0, droppedRuns: 0, unsettledRuns: 0 });
    expect(eventsOf(checkedExport(timeline), 'run')).toHaveLength(3);
    const nodes = timeline.runs.reduce((sum, run) => sum + run.nodes.length, 0);
    expect(eventsOf(checkedExport(timeline), 'node')).toHaveLength(nodes);
  });

  it('shows the same of a run as the timeline of the run itself', async () => {
    const engine = await startVirtual();
    const executable = await engine.compile(chain(4));
    engine.startTimeline();
    const own = await timelineOf(executable, { timeoutMs: 2.5 });
    const [same] = engine.stopTimeline().runs;
    expect(same!.toChromeTrace()).toEqual(own.toChromeTrace());
    expect(same!.nodes.length).toBeGreaterThan(0);
  });

  it('puts runs that overlap on rows of their own', async () => {
    const engine = await startVirtual(2);
    const executable = await engine.compile(chain(4));
    engine.startTimeline();
    await Promise.all([executable.run(X), executable.run(X), executable.run(X)]);
    const runs = eventsOf(checkedExport(engine.stopTimeline()), 'run');
    expect(new Set(runs.map(({ tid }) => tid)).size).toBe(3);
  });

  it('keeps the latest records where there are more than allowed, and says how many are missing', async () => {
    const engine = await startVirtual();
    const executable = await engine.compile(chain(4));
    engine.startTimeline({ maxRecords: 40 });
    for (let run = 0; run < 20; run++) await executable.run(X);
    const timeline = engine.stopTimeline();
    expect(timeline.dropped).toBeGreaterThan(0);
    expect(timeline.droppedRuns).toBeGreaterThan(0);
    expect(timeline.droppedRuns + timeline.runs.length).toBe(20);
    const exported = checkedExport(timeline);
    expect(exported.otherData.droppedRecords).toBe(timeline.dropped);
    expect(eventsOf(exported, 'dropped')).toHaveLength(1);
    expect(timeline.summary().text).toContain(`INCOMPLETE: ${timeline.dropped} records were dropped`);
  });

  it('counts runs that have not settled', async () => {
    const engine = await startVirtual();
    const executable = await engine.compile(chain(4));
    engine.startTimeline();
    const run = executable.run(X);
    const timeline = engine.stopTimeline();
    expect(timeline).toMatchObject({ unsettledRuns: 1, runs: [] });
    expect(checkedExport(timeline).traceEvents.filter(({ ph }) => ph !== 'M')).toEqual([]);
    await run;
  });

  it('is started and stopped in turns, or TIMELINE_STATE is thrown', async () => {
    const engine = await startVirtual();
    const wrongState = expect.objectContaining({ code: 'TIMELINE_STATE' }) as Error;
    expect(() => engine.stopTimeline()).toThrow(wrongState);
    engine.startTimeline();
    expect(() => engine.startTimeline()).toThrow(wrongState);
    engine.stopTimeline();
    expect(() => engine.stopTimeline()).toThrow(wrongState);
  });

  it.each([[{ maxRecords: 8 }], [{ maxRecords: 2 ** 21 }], [{ maxRecords: 100.5 }], [{ records: 100 }], [7]])(
    'refuses the options %o',
    async (options) => {
      const engine = await startVirtual();
      const invalid = expect.objectContaining({ code: 'INVALID_OPTION' }) as Error;
      expect(() => engine.startTimeline(options as object)).toThrow(invalid);
    },
  );

  it('shows streams that were replaced', async () => {
    const faults = [{ kind: 'device-lost', stream: 0, atMs: 2 }] as const;
    const engine = await startEngine({ device: 'virtual', virtual: { ...virtual, faults } });
    const executable = await engine.compile(chain(4));
    engine.startTimeline();
    await executable.run(X).catch(() => undefined);
    await executable.run(X);
    const replaced = eventsOf(checkedExport(engine.stopTimeline()), 'replaced').map(({ name }) => name);
    expect(replaced.sort()).toEqual(['lost stream 0', 'stream 0 replaced']);
  });

  it('of a real device has the records of all runs, those with timelines of their own included', async () => {
    const engine = await startEngine();
    const executable = await engine.compile(chain(50));
    engine.startTimeline();
    await Promise.all([executable.run(X), timelineOf(executable), executable.run(X)]);
    const timeline = engine.stopTimeline();
    checkedExport(timeline);
    expect(timeline.runs.map(({ nodes }) => nodes.length)).toEqual([50, 50, 50]);
  });
});

describe('a run that is not recorded', () => {
  it('makes no ring and writes no record', async () => {
    const engine = await startVirtual();
    const executable = await engine.compile(chain(20));
    const { write } = RecordRing.prototype;
    const { create } = RecordRing;
    let calls = 0;
    RecordRing.prototype.write = () => void calls++;
    RecordRing.create = () => {
      throw new Error('a ring was made');
    };
    try {
      await executable.run(X, { timeoutMs: 1000 });
    } finally {
      RecordRing.prototype.write = write;
      RecordRing.create = create;
    }
    expect(calls).toBe(0);
  });
});
