import { describe, expect, it } from 'vitest';
import type { SimulatedMode } from '../simulator/scenario.js';
import { cancelEverywhere } from '../support/every-instant.js';

const MODES: readonly SimulatedMode[] = ['node', { precisionMs: 0.4 }];

describe('a run of 5 nodes that is cancelled at some instants keeps every promise', () => {
  for (const mode of MODES) {
    it(`for every DAG, one placement each, mode ${JSON.stringify(mode)}`, async () => {
      const cancelled = await cancelEverywhere({
        nodes: 5,
        lanes: [0, 1],
        mode,
        placementStride: 8,
        instantStride: 12,
      });
      expect(cancelled).toBeGreaterThan(302);
    });
  }
});
