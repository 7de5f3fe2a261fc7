/** Matrices whose product takes about a given time on a device. */
import type { QueueingBackend } from '../../../scheduler/kernel.js';
import { squareMatrix } from '../../chains.js';
import { summarize } from '../../harness.js';
import { BackendChain } from './backend-chain.js';

const LEAST_SIZE = 16;
const MOST_SIZE = 4096;
/** The kernels work on tiles; sizes in between waste a part of one. */
const STEP = 16;
const PROBE_NODES = 8;
const ATTEMPTS = 3;

/** A product and the milliseconds that one takes. */
export interface Product {
  readonly size: number;
  readonly nodeMs: number;
}

/** Median milliseconds of one product of square matrices on the device. */
export async function productMs(
  backend: QueueingBackend,
  size: number,
  nodes = PROBE_NODES,
): Promise<number> {
  const chain = new BackendChain(backend, 'BatchMatMul', squareMatrix(size, 1));
  // The first executions pay for caches.
  await chain.nodeTimesMs(2);
  const { median } = summarize(await chain.nodeTimesMs(nodes));
  chain.release();
  return median;
}

/** The product that comes nearest to `targetMs`. Time grows with the cube of the size, once the device is full. */
export async function findProduct(backend: QueueingBackend, targetMs: number): Promise<Product> {
  let size = 256;
  let best: Product = { size, nodeMs: await productMs(backend, size) };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const wanted = Math.round((best.size * Math.cbrt(targetMs / best.nodeMs)) / STEP) * STEP;
    size = Math.min(MOST_SIZE, Math.max(LEAST_SIZE, wanted));
    if (size === best.size) break;
    const nodeMs = await productMs(backend, size);
    const isNearer = distance(nodeMs, targetMs) < distance(best.nodeMs, targetMs);
    if (!isNearer && attempt > 0) break;
    best = { size, nodeMs };
  }
  return best;
}

const distance = (ms: number, targetMs: number): number => Math.abs(Math.log(ms / targetMs));
