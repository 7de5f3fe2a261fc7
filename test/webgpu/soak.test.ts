/** An engine on WebGPU in constant use: see `bench/soak.ts` for the long version. */
import { describe, expect, it } from 'vitest';
import { runSoak } from '../../bench/soak/run-soak.js';
import { seeds, withSeed } from '../support/seed.js';

const RUNS = 200;

describe('an engine on WebGPU in constant use', () => {
  it('gives everything back after runs that are stopped at random instants', async () => {
    const [seed] = seeds(1);
    await withSeed(seed!, async () => {
      const options = { runs: RUNS, sampleEvery: 50, seed: seed!, device: 'webgpu' } as const;
      const { completed, stopped, faults } = await runSoak(options);
      expect(faults).toEqual([]);
      expect(completed + stopped).toBe(RUNS);
      expect(completed).toBeGreaterThan(RUNS / 3);
    });
  });
});
