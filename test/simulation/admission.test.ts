import { describe, expect, it } from 'vitest';
import { MAX_OVERTAKEN } from '../../runtime/waiting-runs.js';
import { type AdmissionResult, simulateAdmission } from '../simulator/simulate-admission.js';
import { seeds, withSeed } from '../support/seed.js';

describe('simulations of a spread and a single executable that compete for streams', () => {
  it('let no run wait behind one that cannot start, and none starve, for the first 200 seeds', async () => {
    const results: AdmissionResult[] = [];
    for (let seed = 1; seed <= 200; seed++)
      await withSeed(seed, async () => void results.push(await simulateAdmission(seed)));
    const overtaken = results.map(({ mostOvertaken }) => mostOvertaken);
    expect(overtaken.filter((count) => count === MAX_OVERTAKEN).length).toBeGreaterThan(10);
    expect(overtaken.filter((count) => count > 0 && count < MAX_OVERTAKEN).length).toBeGreaterThan(10);
  });

  it('and for 200 fresh seeds', async () => {
    for (const seed of seeds(200)) await withSeed(seed, async () => void (await simulateAdmission(seed)));
  });
});
