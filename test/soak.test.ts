import { describe, expect, it } from 'vitest';
import { runSoak } from '../bench/soak/run-soak.js';
import { seeds, withSeed } from './support/seed.js';

const RUNS = 600;

describe('an engine in constant use', () => {
  it('gives everything back after runs that are stopped at random instants', async () => {
    const [seed] = seeds(1);
    await withSeed(seed!, async () => {
      const { samples, completed, stopped, faults } = await runSoak({
        runs: RUNS,
        sampleEvery: 100,
        seed: seed!,
      });
      expect(faults).toEqual([]);
      expect(completed + stopped).toBe(RUNS);
      // Stopped runs are a third at most: some complete before their stop.
      expect(stopped).toBeGreaterThan(RUNS / 10);
      expect(completed).toBeGreaterThan(RUNS / 3);
      expect(samples.map(({ runs }) => runs)).toEqual([100, 200, 300, 400, 500, 600]);
    });
  });
});
