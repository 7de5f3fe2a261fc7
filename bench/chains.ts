/** Graphs for the benchmarks: chains of nodes of a known size. */

import type { BuilderValue } from '../runtime/graph-builder/value.js';
import { type Graph, GraphBuilder } from '../runtime/index.js';
import { fanInReach, seededUniform, spread } from './models/weights.js';

/** Floats of each tensor in a chain of tiny nodes. */
export const TINY_LENGTH = 16;

const TINY = { dtype: 'float32', shape: [TINY_LENGTH] } as const;

/** `x + one + one + …`: nodes so small that only what surrounds them counts. Input `x`, output `y`. */
export function addChain(nodes: number): Graph {
  const builder = new GraphBuilder();
  const one = builder.constant('one', { ...TINY, data: new Float32Array(TINY_LENGTH).fill(1) });
  let y: BuilderValue = builder.input('x', TINY);
  for (let node = 0; node < nodes; node++) y = builder.kernel('Add', { a: y, b: one });
  builder.output('y', y);
  return builder.build();
}

/** A square matrix that keeps the variance of what it is multiplied with. */
export function squareMatrix(size: number, seed: number) {
  const data = spread(seededUniform(seed), size * size, 0, fanInReach(size, false));
  return { dtype: 'float32', shape: [size, size], data } as const;
}

/** Matrix products of `size`×`size` one after the other, in `branches` chains that share nothing but the input `x`. */
export function matmulChains(size: number, nodes: number, branches = 1): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', { dtype: 'float32', shape: [size, size] });
  const weights = builder.constant('weights', squareMatrix(size, 1));
  for (let branch = 0; branch < branches; branch++) {
    let y: BuilderValue = x;
    for (let node = 0; node < nodes; node++) y = builder.kernel('BatchMatMul', { a: y, b: weights });
    builder.output(`y${branch}`, y);
  }
  return builder.build();
}
