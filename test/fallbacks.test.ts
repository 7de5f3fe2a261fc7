import { describe, expect, it } from 'vitest';
import type { CompiledInfo } from '../runtime/events.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import { drawTimeline } from '../runtime/timeline/index.js';
import type { Graph } from '../scheduler/graph.js';
import { runRejection } from './support/catch-error.js';
import { startEngine } from './support/engines.js';
import { checkedExport, timelineOf, X } from './support/timelines.js';

/** The wasm device has no Einsum: `turn` and `turn back` run on the cpu kernels, `half` between them does not. */
function sandwich(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', { dtype: 'float32', shape: [4] });
  const square = builder.kernel('Reshape', { x }, { shape: [2, 2] }, { name: 'square' });
  const turn = { equation: 'ij->ji' };
  const turned = builder.kernel('Einsum', { '0': square }, turn, { name: 'turn' });
  const half = builder.kernel('Sqrt', { x: turned }, {}, { name: 'half' });
  builder.output('y', builder.kernel('Einsum', { '0': half }, turn, { name: 'turn back' }));
  return builder.build();
}

const FALLBACKS = ['turn', 'turn back'].map((node) => ({ node, op: 'Einsum', device: 'cpu' }));

async function compileSandwich() {
  const engine = await startEngine();
  const compiled: CompiledInfo[] = [];
  engine.on('executable:compiled', (info) => compiled.push(info));
  return { executable: await engine.compile(sandwich(), { name: 'sandwich' }), compiled };
}

describe("nodes on another device's kernels", () => {
  it('are told when the graph is compiled', async () => {
    const { executable, compiled } = await compileSandwich();
    expect(compiled).toEqual([{ executable: 'sandwich', nodesTotal: 4, streams: 1, fallbacks: FALLBACKS }]);
    expect(executable.fallbacks).toEqual(FALLBACKS);
  });

  it('stand in the report of every run, completed or never dispatched', async () => {
    const { executable } = await compileSandwich();
    expect((await executable.run(X)).report.fallbacks).toEqual(FALLBACKS);
    expect((await runRejection(executable.run(X, { timeoutMs: 0 }))).report.fallbacks).toEqual(FALLBACKS);
  });

  it('are told apart in the timeline, its export and its summary', async () => {
    const { executable } = await compileSandwich();
    const timeline = await timelineOf(executable);
    expect(timeline.nodes.map(({ name, fallback }) => [name, fallback])).toEqual([
      ['square', undefined],
      ['turn', 'cpu'],
      ['half', undefined],
      ['turn back', 'cpu'],
    ]);
    const { traceEvents } = checkedExport(timeline);
    expect(traceEvents.find(({ cat }) => cat === 'run')?.args).toMatchObject({ fallbacks: 2 });
    const summary = timeline.summary();
    const [einsum, ...others] = summary.fallbacks;
    expect(others).toEqual([]);
    expect(einsum).toMatchObject({ op: 'Einsum', device: 'cpu', count: 2 });
    expect(einsum!.share).toBeCloseTo(summary.ops.find(({ name }) => name === 'Einsum')!.share, 9);
    expect(summary.runs[0]!.fallbacks).toBe(2);
    expect(summary.text).toMatch(/fallback +kernels of.*\nEinsum +cpu +2/);
    expect(drawTimeline(timeline)).toContain("2 on other devices' kernels");
  });
});
