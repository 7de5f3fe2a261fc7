import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { interpret } from '../kernels/reference/interpret.js';
import { createEngine } from '../runtime/create-engine.js';
import type { Engine } from '../runtime/engine.js';
import type { CancellationOption } from '../scheduler/cancellation.js';
import type { Placement } from '../scheduler/placement.js';
import type { Tensor } from '../scheduler/tensor.js';
import { createRandom, type Random } from './support/random.js';
import { type RandomGraph, randomGraph } from './support/random-graph.js';
import { seeds, withSeed } from './support/seed.js';

const GRAPHS = 40;
const TOLERANCE = 1e-4;
const MODES: readonly CancellationOption[] = ['none', 'node', { precisionMs: 2 }];

function placements(streams: number, random: Random): readonly Placement[] {
  const lanes = Array.from({ length: 200 }, () => random.integer(0, streams - 1));
  return ['single', 'automatic', ({ index }) => lanes[index % lanes.length]!];
}

/** Differences count relative to the larger of 1 and the largest element: small ones come out of cancelling sums. */
function expectClose(actual: Tensor | undefined, expected: Tensor, what: string): void {
  expect([actual?.dtype, actual?.shape], what).toEqual([expected.dtype, expected.shape]);
  const scale = Math.max(1, ...expected.data.map(Math.abs));
  for (const [index, value] of expected.data.entries()) {
    const difference = Math.abs(actual!.data[index]! - value) / scale;
    expect(difference, `${what}[${index}] = ${actual!.data[index]}, expected ${value}`).toBeLessThan(
      TOLERANCE,
    );
  }
}

/** Runs the graph in every placement and mode, and compares with the oracle. */
async function checkGraph(engine: Engine, { seed, graph, feeds }: RandomGraph, streams: number) {
  const expected = await interpret(graph, feeds);
  const random = createRandom(seed);
  for (const placement of placements(streams, random)) {
    using executable = await engine.compile(graph, { placement });
    for (const cancellation of MODES) {
      const { outputs, report } = await executable.run(feeds, {
        cancellation,
        timeline: random.next() < 0.2,
      });
      const how = `${typeof placement === 'string' ? placement : 'random'}, ${report.mode}`;
      expect(Object.keys(outputs), how).toEqual(Object.keys(expected));
      for (const [name, tensor] of Object.entries(expected))
        expectClose(outputs[name], tensor, `${how}: ${name}`);
      expect(report.nodesCompleted, how).toBe(report.nodesTotal);
    }
  }
}

describe.each([1, 2, 3])('random graphs on %i streams', (streams) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ streams });
  });
  afterAll(() => engine.close());

  it('give what the interpreter gives, in every mode and placement', async () => {
    for (const seed of seeds(GRAPHS)) {
      await withSeed(seed, async () => {
        await checkGraph(engine, randomGraph(seed), streams);
        expect(engine.stats().bytes.live).toBe(0);
      });
    }
  });

  it('give what the interpreter gives when several run at once', async () => {
    for (const seed of seeds(8)) {
      await withSeed(seed, async () => {
        const graphs = [0, 1, 2, 3].map((offset) => randomGraph(seed + 1000 * offset));
        await Promise.all(graphs.map((graph) => checkGraph(engine, graph, streams)));
        expect(engine.stats().bytes.live).toBe(0);
      });
    }
  });
});
