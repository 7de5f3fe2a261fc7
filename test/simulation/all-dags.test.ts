import { describe, expect, it } from 'vitest';
import { allDags, allPlacements } from '../support/all-dags.js';

describe('allDags', () => {
  it('gives as many DAGs as there are without names: 1, 2, 6, 31, 302 (OEIS A003087)', () => {
    expect([1, 2, 3, 4, 5].map((nodes) => allDags(nodes).length)).toEqual([1, 2, 6, 31, 302]);
  });
});

describe('allPlacements', () => {
  it('gives each choice of two streams once, the first node on the first', () => {
    expect(allPlacements(4, [0, 1])).toHaveLength(8);
  });

  it('gives each choice of two streams and the host, the first node on the first or the host', () => {
    expect(allPlacements(3, [0, 1, 'host'])).toHaveLength(18);
  });
});
