/** Finds how large matrices must be for their product to take a given time on this machine. */
import type { Engine } from '../runtime/index.js';
import { matmulChains, squareMatrix } from './chains.js';
import { summarize } from './harness.js';
import { nodeTimesMs } from './node-times.js';

const PROBE_SIZE = 256;
const PROBE_NODES = 20;
const PROBE_RUNS = 10;
/** The kernels work on blocks of rows; sizes in between are slower than their neighbours. */
const SIZE_STEP = 8;

/** Median milliseconds of one product of `size`×`size` matrices. */
async function productMs(engine: Engine, size: number): Promise<number> {
  using probe = await engine.compile(matmulChains(size, PROBE_NODES), { name: `probe ${size}` });
  const { data } = squareMatrix(size, 2);
  const samples: number[] = [];
  for (let run = 0; run < PROBE_RUNS; run++) {
    samples.push(...(await nodeTimesMs(probe, { x: data })));
  }
  return summarize(samples).median;
}

/** The size of square matrices whose product takes about `targetMs`. Time grows with the cube of the size. */
export async function findMatmulSize(engine: Engine, targetMs: number): Promise<number> {
  let size = PROBE_SIZE;
  for (let attempt = 0; attempt < 2; attempt++) {
    const factor = Math.cbrt(targetMs / (await productMs(engine, size)));
    size = Math.max(SIZE_STEP, Math.round((size * factor) / SIZE_STEP) * SIZE_STEP);
  }
  return size;
}
