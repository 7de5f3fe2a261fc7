import { describe, expect, it } from 'vitest';
import type { BuilderValue } from '../../runtime/graph-builder/value.js';
import { GraphBuilder } from '../../runtime/graph-builder.js';
import type { RunOptions } from '../../runtime/options.js';
import { explainedMs } from '../../runtime/timeline/row-account.js';
import type { Timeline } from '../../runtime/timeline/timeline.js';
import type { Tensor } from '../../scheduler/tensor.js';
import { startEngine } from '../support/engines.js';
import { B_APART, chain, checkedExport, diamond, eventsOf, timelineOf } from '../support/timelines.js';

const KERNEL_MS = 1;
const virtual = { kernelMs: () => KERNEL_MS };
const modes: readonly NonNullable<RunOptions['cancellation']>[] = ['none', 'node', { precisionMs: 3 }];

/** Figures are in whole nanoseconds. */
const NS_IN_MS = 1e-6;

/** Milliseconds of the run's wall time that the parts of its worst explained row miss or exceed. */
function unexplainedMs(timeline: Timeline): number {
  const { rows } = timeline.summary();
  const { queuedMs, durationMs } = timeline.report;
  const wallMs = queuedMs + durationMs;
  expect(rows.length).toBeGreaterThan(0);
  return Math.max(...rows.map((row) => Math.abs(explainedMs(row) - wallMs)));
}

/** Lateness as viewers draw it, in whole nanoseconds. */
function drawnLatenessNs(timeline: Timeline): number {
  const [lateness] = eventsOf(checkedExport(timeline), 'lateness');
  return Math.round(lateness!.dur! * 1e3);
}

describe('the timeline of a stopped run on the virtual device', () => {
  it.each(modes)('explains the wall time of every row exactly, mode %o', async (cancellation) => {
    const engine = await startEngine({ device: 'virtual', virtual });
    const timeline = await timelineOf(await engine.compile(chain(20)), { timeoutMs: 8.5, cancellation });
    expect(timeline.report.outcome).toBe('deadline-exceeded');
    expect(unexplainedMs(timeline)).toBeLessThan(2 * NS_IN_MS);
  });

  it.each(modes)(
    'shows the lateness that the report tells, to the nanosecond, mode %o',
    async (cancellation) => {
      const engine = await startEngine({ device: 'virtual', virtual });
      const timeline = await timelineOf(await engine.compile(chain(20)), { timeoutMs: 8.5, cancellation });
      const { latenessMs } = timeline.report;
      expect(timeline.settledMs - timeline.deadlineMs!).toBeCloseTo(latenessMs!, 9);
      expect(Math.abs(drawnLatenessNs(timeline) / 1e6 - latenessMs!)).toBeLessThanOrEqual(NS_IN_MS);
    },
  );

  it('explains a run that is spread over streams and the host', async () => {
    const engine = await startEngine({ device: 'virtual', virtual, streams: 2 });
    const executable = await engine.compile(diamond(), { placement: B_APART });
    const timeline = await timelineOf(executable, { timeoutMs: 2.5 });
    expect(timeline.report.outcome).toBe('deadline-exceeded');
    expect(unexplainedMs(timeline)).toBeLessThan(2 * NS_IN_MS);
  });

  it('tells what each part took', async () => {
    const engine = await startEngine({ device: 'virtual', virtual });
    const timeline = await timelineOf(await engine.compile(chain(20)), { timeoutMs: 8.5 });
    const { rows } = timeline.summary();
    const device = rows.find(({ row }) => row === 'stream 0');
    expect(device!.nodesMs).toBeCloseTo(timeline.report.nodesCompleted * KERNEL_MS, 9);
    const thread = rows.find(({ row }) => row === 'stream 0, thread');
    // Mode 'node' waits for each node, and its thread does hardly anything else.
    expect(thread!.waitsMs).toBeGreaterThan(timeline.report.nodesCompleted * KERNEL_MS);
    expect(thread!.gapsMs).toBeCloseTo(0, 9);
  });
});

/** Matrix products one after the other, a fraction of a millisecond each; a host node beside them, after the first. */
function products(onFirst: () => void = () => undefined) {
  const builder = new GraphBuilder();
  const spec = { dtype: 'float32', shape: [256, 256] } as const;
  let y: BuilderValue = builder.constant('one', { ...spec, data: new Float32Array(256 * 256) });
  const x = builder.input('x', { dtype: 'float32', shape: [4] });
  for (let node = 0; node < 600; node++) {
    y = builder.kernel('BatchMatMul', { a: y, b: 'one' });
    if (node > 0) continue;
    const run = ({ y }: Readonly<Record<string, Tensor>>) => {
      onFirst();
      return { y: y! };
    };
    builder.output(
      'first',
      builder.host('first is over', { inputs: { y }, outputs: { y: spec }, run })['y']!,
    );
  }
  builder.output('y', y);
  builder.output('x', x);
  return builder.build();
}

describe('the timeline of a stopped run on the wasm device', () => {
  it('explains the wall time within 2 %, and shows the lateness that the report tells', async () => {
    const engine = await startEngine();
    const executable = await engine.compile(products());
    const timeline = await timelineOf(executable, { timeoutMs: 40 });
    expect(timeline.report.outcome).toBe('deadline-exceeded');
    expect(timeline.report.nodesCompleted).toBeGreaterThan(0);
    expect(unexplainedMs(timeline)).toBeLessThan(0.02 * timeline.settledMs);
    expect(drawnLatenessNs(timeline) / 1e6).toBeCloseTo(timeline.report.latenessMs!, 5);
  });

  it('shows an aborted run as late as the report tells', async () => {
    const engine = await startEngine();
    const controller = new AbortController();
    const executable = await engine.compile(products(() => controller.abort()));
    const timeline = await timelineOf(executable, { signal: controller.signal });
    expect(timeline.report.outcome).toBe('aborted');
    expect(unexplainedMs(timeline)).toBeLessThan(0.02 * timeline.settledMs);
    expect(drawnLatenessNs(timeline) / 1e6).toBeCloseTo(timeline.report.latenessMs!, 5);
    expect(eventsOf(checkedExport(timeline), 'abort')).toHaveLength(1);
  });
});
