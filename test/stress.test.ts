import { describe, expect, it } from 'vitest';
import { runStress } from '../bench/stress/run-stress.js';
import { seeds, withSeed } from './support/seed.js';

const DURATION_MS = 6000;

describe('engines whose threads are killed, blocked and closed', () => {
  it('keep every promise', async () => {
    const [seed] = seeds(1);
    await withSeed(seed!, async () => {
      const device = new URL('../dist/bench/stress/device.js', import.meta.url);
      const { rounds, faults } = await runStress({ seed: seed!, durationMs: DURATION_MS, device });
      expect(faults).toEqual([]);
      expect(rounds.length).toBeGreaterThan(0);
    });
  });

  it('are found out where they are wrong in the same way every time', async () => {
    const device = new URL('support/devices/wrong.mjs', import.meta.url);
    const { faults } = await runStress({ seed: 1, durationMs: 1, device });
    expect(faults).toContain('round 0: an output is wrong');
  });
});
