import { describe, expect, it } from 'vitest';
import { cancelEverywhere } from '../support/every-instant.js';

const MODE = 'node';

describe('a run in mode node that is cancelled at any instant keeps every promise', () => {
  it.each([1, 2, 3, 4])('for every DAG of %i nodes on one and two streams', async (nodes) => {
    expect(await cancelEverywhere({ nodes, lanes: [0, 1], mode: MODE })).toBeGreaterThan(10);
  });

  it.each([1, 2, 3])('for every DAG of %i nodes on two streams and the host', async (nodes) => {
    expect(await cancelEverywhere({ nodes, lanes: [0, 1, 'host'], mode: MODE })).toBeGreaterThan(10);
  });
});
