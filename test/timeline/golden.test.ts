/**
 * Timelines of the virtual device, byte for byte. When the export is meant to change, write the files anew with
 * `CURFEW_WRITE_GOLDEN=1 npx vitest run test/timeline/golden.test.ts`, look at what changed, and commit it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../runtime/engine.js';
import type { Timeline } from '../../runtime/timeline/timeline.js';
import { startEngine } from '../support/engines.js';
import { B_APART, chain, checkedExport, diamond, timelineOf, X } from '../support/timelines.js';

const virtual = { kernelMs: () => 1 };
const WRITES = process.env['CURFEW_WRITE_GOLDEN'] === '1';

/** One event per line, so that a change can be read. */
function format(timeline: Pick<Timeline, 'toChromeTrace'>): string {
  const { traceEvents, ...frame } = checkedExport(timeline);
  const head = JSON.stringify(frame).slice(0, -1);
  return `${head},"traceEvents":[\n${traceEvents.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`;
}

const streams = async (count: number): Promise<Engine> =>
  startEngine({ device: 'virtual', virtual, streams: count });

async function oneOfSeveral(): Promise<Pick<Timeline, 'toChromeTrace'>> {
  const engine = await streams(2);
  const executable = await engine.compile(chain(3), { name: 'chain' });
  engine.startTimeline();
  await Promise.allSettled([1, 2, 3].map((timeoutMs) => executable.run(X, { timeoutMs })));
  return engine.stopTimeline();
}

const cases: Readonly<Record<string, () => Promise<Pick<Timeline, 'toChromeTrace'>>>> = {
  completed: async () => timelineOf(await (await streams(1)).compile(chain(3), { name: 'chain' })),
  'deadline-node': async () =>
    timelineOf(await (await streams(1)).compile(chain(6), { name: 'chain' }), { timeoutMs: 3.5 }),
  'deadline-precision': async () =>
    timelineOf(await (await streams(1)).compile(chain(6), { name: 'chain' }), {
      timeoutMs: 3.5,
      cancellation: { precisionMs: 2 },
    }),
  'deadline-none': async () =>
    timelineOf(await (await streams(1)).compile(chain(6), { name: 'chain' }), {
      timeoutMs: 3.5,
      cancellation: 'none',
    }),
  'never-dispatched': async () =>
    timelineOf(await (await streams(1)).compile(chain(3), { name: 'chain' }), { timeoutMs: 0 }),
  'two-streams': async () =>
    timelineOf(await (await streams(2)).compile(diamond(), { name: 'diamond', placement: B_APART })),
  'engine-wide': oneOfSeveral,
};

describe('an exported timeline of the virtual device', () => {
  it.each(Object.keys(cases))('of %s is as it was', async (name) => {
    const file = new URL(`../fixtures/timeline/${name}.json`, import.meta.url);
    const text = format(await cases[name]!());
    if (WRITES) writeFileSync(file, text);
    expect(text).toBe(readFileSync(file, 'utf8'));
  });
});
