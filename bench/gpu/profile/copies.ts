/** What copies between host and device take. */
import type { QueueingBackend } from '../../../scheduler/kernel.js';
import { summarize } from '../../harness.js';

const LARGE_BYTES = 2 ** 24;
const SMALL_BYTES = 64;

export interface CopyCosts {
  readonly copyLatencyMs: number;
  readonly copyBytesPerMs: number;
}

/** Median milliseconds of copying so many bytes to the device and back. */
async function roundTripMs(backend: QueueingBackend, bytes: number, rounds: number): Promise<number> {
  const spec = { dtype: 'float32', shape: [bytes / 4] } as const;
  const data = new Uint8Array(bytes);
  const samples: number[] = [];
  for (let round = -2; round < rounds; round++) {
    const startMs = performance.now();
    const tensor = backend.upload(spec, data);
    await backend.queue.wait(await backend.queue.submit());
    await backend.read(tensor);
    if (round >= 0) samples.push(performance.now() - startMs);
    backend.release(tensor);
  }
  return summarize(samples).median;
}

/** Latency from a small copy, rate from what a large one takes longer; both directions alike. */
export async function measureCopies(backend: QueueingBackend, rounds: number): Promise<CopyCosts> {
  const smallMs = await roundTripMs(backend, SMALL_BYTES, rounds);
  const largeMs = await roundTripMs(backend, LARGE_BYTES, Math.min(rounds, 20));
  const moreMs = Math.max(1e-6, largeMs - smallMs);
  return { copyLatencyMs: smallMs / 2, copyBytesPerMs: (2 * (LARGE_BYTES - SMALL_BYTES)) / moreMs };
}
