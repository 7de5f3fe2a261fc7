/** What submitting to a device and waiting for it costs the host. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_BATCH } from '../../../kernels/webgpu/submissions.js';
import type { QueueingBackend } from '../../../scheduler/kernel.js';
import { alternate, summarize } from '../../harness.js';
import { BackendChain } from './backend-chain.js';

/** Nodes of one repetition: few enough that a turn of the event loop comes into it no more often than in a run. */
const NODES = 256;
/** A tiny node is over long before this. */
const OVER_MS = 3;
const TINY = { dtype: 'float32', shape: [16], data: new Float32Array(16) } as const;

export const tinyChain = (backend: QueueingBackend): BackendChain => new BackendChain(backend, 'Add', TINY);

/** Host time per node and per submission. */
export interface SubmitCosts {
  readonly encodeMs: number;
  readonly submitMs: number;
  /** From the first node's encoding until the last one is over, per node, where each submission has as many as can be. */
  readonly batchedMs: number;
}

/** Solves for both from chains that are submitted node by node, and batch by batch. */
export async function measureSubmits(backend: QueueingBackend, rounds: number): Promise<SubmitCosts> {
  const chain = tinyChain(backend);
  let batches = NODES / MAX_BATCH;
  const batchedMs: number[] = [];
  const submitting = (mayDefer: boolean) => async () => {
    const startMs = performance.now();
    const { mark, submissions } = await chain.submit(NODES, mayDefer);
    const tookMs = performance.now() - startMs;
    await backend.queue.wait(mark);
    if (!mayDefer) return tookMs;
    batches = submissions;
    batchedMs.push((performance.now() - startMs) / NODES);
    return tookMs;
  };
  const sides = { each: submitting(false), batch: submitting(true) };
  const samples = await alternate(sides, { warmUps: 5, rounds });
  chain.release();
  const [eachMs, batchMs] = [summarize(samples.each).median, summarize(samples.batch).median];
  const submitMs = Math.max(0, (eachMs - batchMs) / (NODES - batches));
  const encodeMs = Math.max(0, eachMs / NODES - submitMs);
  return { submitMs, encodeMs, batchedMs: summarize(batchedMs).median };
}

/** Median milliseconds of asking about work that is over. */
export async function measurePollMs(backend: QueueingBackend, rounds: number): Promise<number> {
  const chain = tinyChain(backend);
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { mark } = await chain.submit(1, false);
    await sleep(OVER_MS);
    const startMs = performance.now();
    await backend.queue.wait(mark);
    samples.push(performance.now() - startMs);
  }
  chain.release();
  return summarize(samples).median;
}

/**
 * Median milliseconds from the end of one node until the host runs again: what is left of submitting it and waiting for it
 * without the host's own time and the node's. The time until the device starts on it is part of that.
 */
export async function measureFenceMs(
  chain: BackendChain,
  { encodeMs, submitMs }: Pick<SubmitCosts, 'encodeMs' | 'submitMs'>,
  rounds: number,
): Promise<number> {
  const samples: number[] = [];
  for (let round = -3; round < rounds; round++) {
    const { times, totalMs } = await chain.timed(1);
    if (round >= 0) samples.push(totalMs - times[0]!);
  }
  return Math.max(0, summarize(samples).median - encodeMs - submitMs);
}
