import { describe, expect, it } from 'vitest';
import { cancelEverywhere } from '../support/every-instant.js';

/** Its window of 0.2 ms holds one or two of the nodes, which take 0.05 to 0.3 ms. */
const MODE = { precisionMs: 0.4 };

describe('a run in mode { precisionMs } that is cancelled at any instant keeps every promise', () => {
  it.each([1, 2, 3, 4])('for every DAG of %i nodes on one and two streams', async (nodes) => {
    expect(await cancelEverywhere({ nodes, lanes: [0, 1], mode: MODE })).toBeGreaterThan(10);
  });

  it.each([1, 2, 3])('for every DAG of %i nodes on two streams and the host', async (nodes) => {
    expect(await cancelEverywhere({ nodes, lanes: [0, 1, 'host'], mode: MODE })).toBeGreaterThan(10);
  });
});
