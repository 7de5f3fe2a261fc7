/** Random graphs on WebGPU's kernels, in every mode and placement. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../runtime/create-engine.js';
import type { Engine } from '../../runtime/engine.js';
import { checkGraph } from '../support/check-graph.js';
import { randomGraph } from '../support/random-graph.js';
import { seeds, withSeed } from '../support/seed.js';

const GRAPHS = 12;
const TOLERANCE = 1e-3;

describe.each([1, 2])('random graphs on %i streams of WebGPU', (streams) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ device: 'webgpu', streams });
  });
  afterAll(() => engine.close());

  it('give what the interpreter gives, in every mode and placement', async () => {
    for (const seed of seeds(GRAPHS)) {
      await withSeed(seed, async () => {
        await checkGraph(engine, randomGraph(seed), streams, TOLERANCE);
        expect(engine.stats().bytes.live).toBe(0);
      });
    }
  });

  it('give what the interpreter gives when several run at once', async () => {
    for (const seed of seeds(2)) {
      await withSeed(seed, async () => {
        const graphs = [0, 1, 2].map((offset) => randomGraph(seed + 1000 * offset));
        await Promise.all(graphs.map((graph) => checkGraph(engine, graph, streams, TOLERANCE)));
        expect(engine.stats().bytes.live).toBe(0);
      });
    }
  });
});
