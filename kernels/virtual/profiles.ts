/** What the virtual device knows of hardware: peak rates from vendors' data, latencies assumed or measured. */

import type { Fences } from '../../scheduler/work-queue.js';

/** A device to simulate. Rates per millisecond, times in milliseconds. */
export interface DeviceProfile {
  readonly name: string;
  /** Peak single-precision arithmetic operations per millisecond. */
  readonly operationsPerMs: number;
  /** Peak bytes of device memory per millisecond, read or written. */
  readonly bytesPerMs: number;
  /** Share of the peaks that kernels reach. */
  readonly efficiency: number;
  /** Shortest kernel. */
  readonly minKernelMs: number;
  /** Host time to submit one kernel, or several at once. */
  readonly submitMs: number;
  /** Device time that each submission takes beside its kernels. Default 0. */
  readonly startMs?: number | undefined;
  /** Host time to prepare one kernel for its submission. Default 0. */
  readonly encodeMs?: number | undefined;
  /** Most kernels that are submitted at once, where the mode allows for it. Default 1. */
  readonly batch?: number | undefined;
  /**
   * What waiting for a mark leaves in flight: `'each'` the work behind it (CUDA events), `'all'` nothing (TensorFlow's
   * addon). See `WorkQueue`.
   */
  readonly fences: Fences;
  /** Kernels a stream's queue takes before submitting blocks. */
  readonly queueDepth: number;
  /** From the end of the awaited work until the host thread runs again. */
  readonly fenceMs: number;
  /** Waits of this length and more are made in pauses rather than looking all the time. Default: none are. */
  readonly spinMs?: number | undefined;
  /** What `fenceMs` is for waits in pauses: also what is left of the pause. Default `fenceMs`. */
  readonly pausedFenceMs?: number | undefined;
  /** Asking about work that is already over. */
  readonly pollMs: number;
  /** Bytes per millisecond of the copy engine in one direction, and the time until a copy starts. */
  readonly copyBytesPerMs: number;
  readonly copyLatencyMs: number;
  /** One message between the main thread and the stream's thread. */
  readonly messageMs: number;
}

/**
 * Host-side figures, the same for all profiles. Submission: TensorFlow's eager path through the addon takes 4 to 7 µs
 * per op. Queue: a CUDA stream takes about 1000 launches. Message: half of the 20 µs round trip between Node's threads.
 * Fence, poll and copy latency are assumed, in the range CUDA's documentation and forums report.
 */
const HOST = {
  fences: 'each',
  efficiency: 0.6,
  minKernelMs: 0.002,
  submitMs: 0.005,
  queueDepth: 1000,
  fenceMs: 0.01,
  pollMs: 0.002,
  copyLatencyMs: 0.01,
  messageMs: 0.01,
} as const;

const perMs = (perSecond: number): number => perSecond / 1e3;

/** Named profiles. */
export const DEVICE_PROFILES = Object.freeze({
  /** NVIDIA H200 SXM data sheet: 67 TFLOPS FP32, 4.8 TB/s; PCIe 5.0 x16, 64 GB/s each way. */
  h200: {
    ...HOST,
    name: 'h200',
    operationsPerMs: perMs(67e12),
    bytesPerMs: perMs(4.8e12),
    copyBytesPerMs: perMs(64e9),
  },
  /** NVIDIA A100 80 GB SXM data sheet: 19.5 TFLOPS FP32, 2,039 GB/s; PCIe 4.0 x16, 32 GB/s each way. */
  a100: {
    ...HOST,
    name: 'a100',
    operationsPerMs: perMs(19.5e12),
    bytesPerMs: perMs(2.039e12),
    copyBytesPerMs: perMs(32e9),
  },
  /**
   * GeForce RTX 4060 Laptop GPU, NVIDIA's specification: 3072 cores at up to 2370 MHz (2 operations per cycle), 128-bit
   * GDDR6 at 16 Gbit/s; PCIe 4.0 x8, 16 GB/s each way.
   */
  laptop: {
    ...HOST,
    name: 'laptop',
    operationsPerMs: perMs(3072 * 2 * 2.37e9),
    bytesPerMs: perMs(256e9),
    copyBytesPerMs: perMs(16e9),
  },
}) satisfies Readonly<Record<string, DeviceProfile>>;

/** Names of the profiles. */
export type ProfileName = keyof typeof DEVICE_PROFILES;
