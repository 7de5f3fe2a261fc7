/** Runs in chunks on TensorFlow, through whole engines. */
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { interpret } from '../../kernels/reference/interpret.js';
import type { Engine } from '../../runtime/engine.js';
import type { BuilderValue } from '../../runtime/graph-builder/value.js';
import { GraphBuilder } from '../../runtime/graph-builder.js';
import { checkTimeline } from '../../runtime/timeline/file/check.js';
import type { CancellationOption } from '../../scheduler/cancellation.js';
import type { Graph } from '../../scheduler/graph.js';
import type { Tensor } from '../../scheduler/tensor.js';
import { runRejection } from '../support/catch-error.js';
import { startEngine } from '../support/engines.js';
import { randomGraph } from '../support/random-graph.js';
import { seeds, withSeed } from '../support/seed.js';
import { until } from '../support/until.js';

const GRAPHS = 8;
const TOLERANCE = 1e-4;
const MODES: readonly CancellationOption[] = ['none', 'node', { precisionMs: 2 }, { precisionMs: 0.1 }];

const start = (options: object = {}): Promise<Engine> => startEngine({ device: 'tensorflow', ...options });

function expectClose(actual: Tensor | undefined, expected: Tensor, what: string): void {
  expect([actual?.dtype, actual?.shape], what).toEqual([expected.dtype, expected.shape]);
  let [scale, worst] = [1, 0];
  for (const [index, value] of expected.data.entries()) {
    scale = Math.max(scale, Math.abs(value));
    worst = Math.max(worst, Math.abs(actual!.data[index]! - value));
  }
  expect(worst / scale, what).toBeLessThan(TOLERANCE);
}

describe('random graphs in chunks', () => {
  it.each([1, 2])('give what the interpreter gives, in every mode, on %i streams', async (streams) => {
    const engine = await start({ streams });
    for (const seed of seeds(GRAPHS)) {
      await withSeed(seed, async () => {
        const { graph, feeds } = randomGraph(seed);
        const expected = await interpret(graph, feeds);
        using executable = await engine.compile(graph, {
          modes: MODES,
          placement: streams === 1 ? 'single' : 'automatic',
        });
        for (const cancellation of MODES) {
          const { outputs, report, timeline } = await executable.run(feeds, { cancellation, timeline: true });
          for (const [name, tensor] of Object.entries(expected))
            expectClose(outputs[name], tensor, `${JSON.stringify(cancellation)}: ${name}`);
          expect(report.nodesCompleted).toBe(report.nodesTotal);
          expect(timeline.skipped).toEqual([]);
          expect(timeline.nodes).toHaveLength(report.nodesTotal);
          expect(checkTimeline(timeline.toChromeTrace())).toEqual([]);
        }
      });
    }
    await until(() => engine.stats().bytes.constants === 0, 'chunks and constants are freed');
    expect(engine.stats().bytes.live).toBe(0);
  });
});

const SIDE = 400;
const NODES = 12;

/** Products one after the other; every output is that of one node. */
function products(): Graph {
  const builder = new GraphBuilder();
  const spec = { dtype: 'float32', shape: [SIDE, SIDE] } as const;
  const weights = new Float32Array(SIDE * SIDE).map((_, index) => Math.sin(index) / SIDE);
  const b = builder.constant('weights', { ...spec, data: weights });
  let value: BuilderValue = builder.input('x', spec);
  for (let node = 0; node < NODES; node++) {
    value = builder.kernel('BatchMatMul', { a: value, b }, {}, { name: `n${node}` });
    builder.output(`y${node}`, value);
  }
  return builder.build();
}

const FEEDS = { x: new Float32Array(SIDE * SIDE).map((_, index) => Math.cos(index)) };

describe('a stop between chunks', () => {
  it('leaves the outputs of the chunks before it, and counts their nodes', async () => {
    const engine = await start();
    const executable = await engine.compile(products(), { modes: [{ precisionMs: 1 }, 'none'] });
    const full = await executable.run(FEEDS);
    let stopped = 0;
    for (let round = 0; round < 40; round++) {
      const timeoutMs = (full.report.durationMs * (round + 1)) / 40;
      const { outputs, report } = await executable.run(FEEDS, {
        cancellation: { precisionMs: 1 },
        timeoutMs,
        onDeadline: 'partial',
      });
      expect(Object.keys(outputs)).toHaveLength(report.nodesCompleted);
      for (const [name, tensor] of Object.entries(outputs)) {
        expectClose(tensor, full.outputs[name]!, name);
      }
      if (report.stoppedBefore === undefined) continue;
      stopped++;
      expect(report.stoppedBefore).toBe(`n${report.nodesCompleted}`);
    }
    expect(stopped).toBeGreaterThan(0);
    expect(engine.stats().bytes.live).toBe(0);
  });
});

describe('an executable in chunks', () => {
  it('is one call per segment in mode none, and single nodes with chunks: false', async () => {
    const engine = await start();
    const chunksOf = async (options: object) => {
      using executable = await engine.compile(products(), options);
      const { timeline } = await executable.run(FEEDS, { timeline: true });
      return timeline.spans.filter(({ kind }) => kind === 'chunk').length;
    };
    expect([await chunksOf({}), await chunksOf({ chunks: false })]).toEqual([1, 0]);
  });

  it('gets chunks for a mode between runs', async () => {
    const engine = await start();
    const executable = await engine.compile(products(), { modes: [] });
    const cancellation = { precisionMs: 500 };
    for (let run = 0, chunks = 0; chunks !== 1; run++) {
      expect(run).toBeLessThan(1000);
      const { timeline } = await executable.run(FEEDS, { cancellation, timeline: true });
      chunks = timeline.spans.filter(({ kind }) => kind === 'chunk').length;
    }
  });

  it('gets chunks for a mode under load that never ends', async () => {
    const engine = await start();
    const executable = await engine.compile(products(), { modes: [] });
    const cancellation = { precisionMs: 500 };
    let chunks = 0;
    const keepBusy = async () => {
      for (let run = 0; chunks === 0; run++) {
        expect(run).toBeLessThan(1000);
        const { timeline } = await executable.run(FEEDS, { cancellation, timeline: true });
        chunks += timeline.spans.filter(({ kind }) => kind === 'chunk').length;
      }
    };
    await Promise.all([keepBusy(), keepBusy(), keepBusy()]);
  });

  it('counts its chunks as constants, which go with it, and leaves no file', async () => {
    const engine = await start();
    const bytes = async (options: object) => {
      const executable = await engine.compile(products(), options);
      return { executable, constants: engine.stats().bytes.constants };
    };
    const plain = await bytes({ chunks: false });
    plain.executable.dispose();
    await until(() => engine.stats().bytes.constants === 0, 'the constants are freed');
    const chunked = await bytes({ modes: ['none', { precisionMs: 1 }] });
    expect(chunked.constants).toBeGreaterThanOrEqual(2 * plain.constants);
    chunked.executable.dispose();
    await until(() => engine.stats().bytes.constants === 0, 'the chunks are freed');
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`curfew-chunk-${process.pid}.`))).toEqual(
      [],
    );
  });

  it('is named by its ends where it fails as a whole', async () => {
    const bytes = SIDE * SIDE * Float32Array.BYTES_PER_ELEMENT;
    const engine = await start({ memoryLimitBytes: 20 * bytes });
    const executable = await engine.compile(products());
    await executable.run(FEEDS);
    const builder = new GraphBuilder();
    const spec = { dtype: 'float32', shape: [8 * SIDE * SIDE] } as const;
    const large = builder.constant('large', { ...spec, data: new Float32Array(8 * SIDE * SIDE) });
    builder.output('y', builder.kernel('Slice', { x: large }, { begin: [0], size: [1] }));
    using _full = await engine.compile(builder.build(), { chunks: false });
    const error = await runRejection(executable.run(FEEDS));
    expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', node: `n0 … n${NODES - 1}` });
  });

  it('is executed node by node where chunks would not fit into memory', async () => {
    const bytes = SIDE * SIDE * Float32Array.BYTES_PER_ELEMENT;
    const engine = await start({ memoryLimitBytes: 4 * bytes });
    const executable = await engine.compile(products(), { modes: ['none', 'node', { precisionMs: 1 }] });
    expect(engine.stats().bytes.constants).toBeLessThanOrEqual(4 * bytes);
    const { report } = await executable.run(FEEDS);
    expect(report.outcome).toBe('completed');
  });
});
