/** Runs of random graphs, compared with the interpreter. */
import { expect } from 'vitest';
import { interpret } from '../../kernels/reference/interpret.js';
import type { Engine } from '../../runtime/engine.js';
import type { CancellationOption } from '../../scheduler/cancellation.js';
import type { Placement } from '../../scheduler/placement.js';
import type { Tensor } from '../../scheduler/tensor.js';
import { createRandom, type Random } from './random.js';
import type { RandomGraph } from './random-graph.js';

const MODES: readonly CancellationOption[] = ['none', 'node', { precisionMs: 2 }];

function placements(streams: number, random: Random): readonly Placement[] {
  const lanes = Array.from({ length: 200 }, () => random.integer(0, streams - 1));
  return ['single', 'automatic', ({ index }) => lanes[index % lanes.length]!];
}

/** Differences count relative to the larger of 1 and the largest element: small ones come out of cancelling sums. */
function expectClose(actual: Tensor | undefined, expected: Tensor, what: string, tolerance: number): void {
  expect([actual?.dtype, actual?.shape], what).toEqual([expected.dtype, expected.shape]);
  const scale = Math.max(1, ...expected.data.map(Math.abs));
  for (const [index, value] of expected.data.entries()) {
    const difference = Math.abs(actual!.data[index]! - value) / scale;
    expect(difference, `${what}[${index}] = ${actual!.data[index]}, expected ${value}`).toBeLessThan(
      tolerance,
    );
  }
}

/** Runs the graph in every placement and mode, and compares with the oracle. */
export async function checkGraph(
  engine: Engine,
  { seed, graph, feeds }: RandomGraph,
  streams: number,
  tolerance: number,
) {
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
        expectClose(outputs[name], tensor, `${how}: ${name}`, tolerance);
      expect(report.nodesCompleted, how).toBe(report.nodesTotal);
    }
  }
}
