import { describe, it } from 'vitest';
import { simulateSeed } from '../simulator/simulate.js';
import { seeds } from '../support/seed.js';

async function pass(seed: number): Promise<void> {
  const { failure } = await simulateSeed(seed);
  if (failure !== undefined)
    throw new Error(`npm run simulate -- --seed ${seed}: ${failure.message}`, { cause: failure });
}

describe('simulations of random graphs, schedules, stops and faults', () => {
  it('keep every promise for the first 1,000 seeds', async () => {
    for (let seed = 1; seed <= 1000; seed++) await pass(seed);
  });

  it('keep every promise for 1,000 fresh seeds', async () => {
    for (const seed of seeds(1000)) await pass(seed);
  });
});
