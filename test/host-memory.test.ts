import { afterEach, describe, expect, it } from 'vitest';
import { createEngine } from '../runtime/create-engine.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import type { RunOptions } from '../runtime/options.js';
import { CurfewError } from '../scheduler/errors.js';
import type { Graph } from '../scheduler/graph.js';
import type { TensorSpec } from '../scheduler/tensor.js';
import { rejection, runRejection } from './support/catch-error.js';
import { startPuppetEngine } from './support/engines.js';
import { type Refuse, refuseMemory } from './support/failing-memory.js';

/** Of a size that nothing else has. */
const LENGTH = 1237;
const BYTES = LENGTH * 4;
const SPEC: TensorSpec = { dtype: 'float32', shape: [LENGTH] };
const FEEDS = { x: new Float32Array(LENGTH).fill(2) };

let restore: (() => void) | undefined;
afterEach(() => {
  restore?.();
  restore = undefined;
});

/** Has allocations fail until `restored`. */
function refuse(which: Refuse): void {
  restore = refuseMemory(which);
}

function restored(): void {
  restore?.();
  restore = undefined;
}

/** `x` goes out as it is, through a host node, and negated. */
function passing(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', SPEC);
  builder.output('fed', x);
  const { y } = builder.host('host', { inputs: { x }, outputs: { y: SPEC }, run: ({ x }) => ({ y: x! }) });
  builder.output('hosted', y);
  builder.output('y', builder.kernel('Neg', { x: y }, {}, { name: 'n0' }));
  return builder.build();
}

/** Refuses the `nth` private buffer of the tensors' size alone. */
function refuseCopy(nth: number): void {
  let seen = 0;
  refuse((kind, bytes) => kind === 'ArrayBuffer' && bytes === BYTES && ++seen === nth);
}

describe('a host without memory left', () => {
  it.each([
    ['the exchange buffer', () => refuse((kind) => kind === 'SharedArrayBuffer'), {}],
    ['a timeline', () => refuse((kind) => kind === 'SharedArrayBuffer'), { timeline: true }],
    ["a host node's input", () => refuseCopy(1), {}],
    ["a host node's output", () => refuseCopy(2), {}],
    ['an output that was fed', () => refuseCopy(3), {}],
    ['an output that was fed, with a timeline', () => refuseCopy(3), { timeline: true }],
    ['an output of a partial result', () => refuseCopy(3), { timeoutMs: 60_000, onDeadline: 'partial' }],
  ] as const)(
    'for %s fails the run with OUT_OF_MEMORY, and serves the next',
    async (_what, fail, options) => {
      const { engine } = await startPuppetEngine({ runsInFlight: 1 });
      const executable = await engine.compile(passing());
      const settled: string[] = [];
      engine.on('run:settled', ({ outcome }) => settled.push(outcome));
      fail();
      const error = await runRejection(executable.run(FEEDS, options as RunOptions));
      expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', report: { outcome: 'failed' } });
      restored();
      const { outputs } = await executable.run(FEEDS);
      expect([outputs['fed'], outputs['hosted'], outputs['y']].map((tensor) => tensor!.data[1])).toEqual([
        2, 2, -2,
      ]);
      const { runs, bytes } = engine.stats();
      expect([runs.inFlight, bytes.live]).toEqual([0, 0]);
      expect(settled).toEqual(['failed', 'completed']);
      expect(engine.stats().streams[0]!.replaced).toBe(0);
    },
  );

  it('for the timeline of a run that waits lets it end as it would', async () => {
    const { engine } = await startPuppetEngine({ runsInFlight: 1 });
    const executable = await engine.compile(passing());
    refuse((kind) => kind === 'SharedArrayBuffer');
    const signal = AbortSignal.abort();
    const error = await runRejection(executable.run(FEEDS, { signal, timeline: true }));
    expect(error).toMatchObject({ code: 'ABORTED', timeline: undefined });
  });

  it('for constants does not build, or compile, the graph', async () => {
    const { engine } = await startPuppetEngine();
    const builder = new GraphBuilder();
    refuse((kind) => kind === 'ArrayBuffer');
    expect(() => builder.constant('c', { ...SPEC, data: FEEDS.x })).toThrow(
      expect.objectContaining({ code: 'OUT_OF_MEMORY' }),
    );
    restored();
    builder.output('y', builder.kernel('Neg', { x: builder.constant('c', { ...SPEC, data: FEEDS.x }) }));
    const graph = builder.build();
    refuse((kind) => kind === 'SharedArrayBuffer');
    expect((await rejection(engine.compile(graph))).code).toBe('OUT_OF_MEMORY');
    restored();
    const executable = await engine.compile(graph);
    expect((await executable.run({})).outputs['y']!.data[0]).toBe(-2);
  });

  it("for an engine's timeline, or for an engine, makes none", async () => {
    const { engine } = await startPuppetEngine();
    refuse((kind) => kind === 'SharedArrayBuffer');
    expect(() => engine.startTimeline()).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }));
    expect(await createEngine().catch((error: unknown) => error)).toBeInstanceOf(CurfewError);
    restored();
    engine.startTimeline();
    engine.stopTimeline();
  });
});
