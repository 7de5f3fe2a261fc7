/**
 * Measures what the virtual device is to know of a GPU: a `DeviceProfile`, with times in milliseconds and rates per
 * millisecond. Everything is the median of many repetitions, on one backend in this thread, without an engine:
 *
 * - `encodeMs`, `submitMs`: a chain of tiny nodes handed over node by node, and in batches. The difference over the difference of
 *   the submissions is what a submission costs; what is left per node is its encoding.
 * - `batch`, `queueDepth`, `spinMs`, `fences`: what the device is written with.
 * - `fenceMs`, `pausedFenceMs`: submitting one node and waiting for it, less the host's time and the node's own, which the device's
 *   timestamps tell; for a node shorter than the spinning of a wait, and for one of about 2 ms. They include the
 *   time until an idle device starts.
 * - `pollMs`: waiting for work that has long been over.
 * - `startMs`, `minKernelMs`: timestamps tell what an `Add` of 16 floats takes in a pass of its own; a chain of them in
 *   batches tells what it takes among others, unless the host's encoding takes longer. The difference is what the device spends on a
 *   submission.
 * - `operationsPerMs`: a product of large matrices, 2 n³ operations. `bytesPerMs`: an `Add` of 16 MiB, which moves three times
 *   that. Both as reached, so `efficiency` is 1.
 * - `copyLatencyMs`, `copyBytesPerMs`: 64 bytes and 16 MiB to the device and back, halved.
 * - `messageMs`: half of a round trip to a worker thread.
 *
 * Where a device has no timestamps its nodes' times are not known, and there is no profile.
 */

import type { DeviceProfile } from '../../../kernels/virtual/profiles.js';
import { SPIN_MS } from '../../../kernels/webgpu/map-wait.js';
import { MAX_BATCH, MAX_IN_FLIGHT } from '../../../kernels/webgpu/submissions.js';
import type { QueueingBackend } from '../../../scheduler/kernel.js';
import { squareMatrix } from '../../chains.js';
import { summarize } from '../../harness.js';
import { BackendChain } from './backend-chain.js';
import { measureCopies } from './copies.js';
import { measureFenceMs, measurePollMs, measureSubmits, type SubmitCosts, tinyChain } from './host.js';
import { measureMessageMs } from './message.js';
import { findProduct } from './sizes.js';

/** Products that the rates and the fences are measured with. */
const LARGE_MS = 8;
const PAUSED_MS = 2;
const ADD_BYTES = 2 ** 24;

/** Rates of arithmetic and of memory, as reached. */
async function measureRates(backend: QueueingBackend) {
  const { size, nodeMs } = await findProduct(backend, LARGE_MS);
  const floats = ADD_BYTES / 4;
  const data = new Float32Array(floats);
  const adds = new BackendChain(backend, 'Add', { dtype: 'float32', shape: [floats], data });
  await adds.nodeTimesMs(2);
  const addMs = summarize(await adds.nodeTimesMs(20)).median;
  adds.release();
  return { operationsPerMs: (2 * size ** 3) / nodeMs, bytesPerMs: (3 * ADD_BYTES) / addMs, efficiency: 1 };
}

/** What a tiny node takes among others, and the device for a submission beside its nodes. */
function splitTiny(aloneMs: number, { batchedMs, encodeMs, submitMs }: SubmitCosts) {
  const isHostBound = batchedMs <= 1.1 * (encodeMs + submitMs / MAX_BATCH);
  // Where the device waits for the host, nothing can be told apart.
  if (isHostBound) return { minKernelMs: aloneMs, startMs: 0 };
  const startMs = Math.max(0, ((aloneMs - batchedMs) * MAX_BATCH) / (MAX_BATCH - 1));
  return { minKernelMs: aloneMs - startMs, startMs };
}

/** Fences behind a tiny node, and behind one that is waited for in pauses. */
async function measureFences(backend: QueueingBackend, costs: SubmitCosts, rounds: number) {
  const tiny = tinyChain(backend);
  await tiny.nodeTimesMs(16);
  const aloneMs = summarize(await tiny.nodeTimesMs(2 * rounds)).median;
  const fenceMs = await measureFenceMs(tiny, costs, rounds);
  tiny.release();
  const { size } = await findProduct(backend, PAUSED_MS);
  const products = new BackendChain(backend, 'BatchMatMul', squareMatrix(size, 1));
  const pausedFenceMs = await measureFenceMs(products, costs, rounds);
  products.release();
  return { ...splitTiny(aloneMs, costs), fenceMs, pausedFenceMs };
}

/** Measures the device; `rounds` repetitions of each figure, some ten seconds with 100. */
export async function measureProfile(
  backend: QueueingBackend,
  name: string,
  rounds: number,
): Promise<DeviceProfile> {
  const costs = await measureSubmits(backend, rounds);
  return {
    name,
    ...(await measureRates(backend)),
    encodeMs: costs.encodeMs,
    submitMs: costs.submitMs,
    ...(await measureFences(backend, costs, rounds)),
    batch: MAX_BATCH,
    fences: 'each',
    queueDepth: MAX_IN_FLIGHT,
    spinMs: SPIN_MS,
    pollMs: await measurePollMs(backend, rounds),
    ...(await measureCopies(backend, rounds)),
    messageMs: await measureMessageMs(rounds * 5),
  };
}
