/** The buffers of tensors on the GPU: counted, limited, and kept for tensors to come. */
import { curfewError } from '../../scheduler/errors.js';
import type { BackendMemory } from '../../scheduler/kernel.js';

/** A buffer that tensors share. */
export interface Block {
  readonly buffer: GPUBuffer;
  /** Bytes of the buffer. */
  readonly capacity: number;
  /** Bytes that are used. */
  readonly bytes: number;
  /** Tensors that share it. */
  refs: number;
}

/** A buffer that nobody uses. */
interface FreeBuffer {
  readonly buffer: GPUBuffer;
  /** How often the pool had been trimmed when the buffer became free. */
  readonly since: number;
}

const SMALLEST_BYTES = 256;
/** Sizes per doubling: buffers fit tensors that are smaller by an eighth at most. */
const STEPS = 8;
/** A free buffer outlives this many trims. */
const KEPT_TRIMS = 4;

/** The size of the buffer for this many bytes: few sizes, so that free buffers fit. */
export function capacityFor(bytes: number): number {
  if (bytes <= SMALLEST_BYTES) return SMALLEST_BYTES;
  const step = 2 ** Math.floor(Math.log2(bytes - 1)) / STEPS;
  return Math.ceil(bytes / step) * step;
}

/**
 * Allocates blocks. A block is free as soon as nobody holds it, also while work that was submitted before still uses it: whoever takes
 * it next submits later.
 */
export class GpuMemory {
  readonly memory: BackendMemory = { liveBytes: 0, peakBytes: 0 };
  readonly #device: GPUDevice;
  readonly #usage: number;
  readonly #limitBytes: number;
  /** Hands over what is encoded, which may still use buffers that are free. */
  readonly #flush: () => void;
  readonly #free = new Map<number, FreeBuffer[]>();
  readonly #used = new Set<Block>();
  #freeBytes = 0;
  #trims = 0;

  constructor(device: GPUDevice, usage: number, limitBytes: number | undefined, flush: () => void) {
    this.#flush = flush;
    this.#device = device;
    this.#usage = usage;
    this.#limitBytes = limitBytes ?? Number.POSITIVE_INFINITY;
  }

  /** Bytes of buffers that are kept for tensors to come. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** @throws OUT_OF_MEMORY unless blocks of these bytes, all in all, can be allocated */
  checkRoom(bytes: number): void {
    const { liveBytes } = this.memory;
    if (liveBytes + bytes <= this.#limitBytes) return;
    throw curfewError(
      'OUT_OF_MEMORY',
      `memory of the GPU: expected room for ${bytes} bytes within the limit of ${this.#limitBytes}, ${liveBytes} are in use`,
      { expected: bytes, received: this.#limitBytes - liveBytes },
    );
  }

  /** Allocates a block, whose elements may be anything. @throws OUT_OF_MEMORY */
  allocate(bytes: number): Block {
    const capacity = capacityFor(bytes);
    this.checkRoom(capacity);
    const block = { buffer: this.#take(capacity), capacity, bytes, refs: 1 };
    this.#used.add(block);
    this.memory.liveBytes += capacity;
    this.memory.peakBytes = Math.max(this.memory.peakBytes, this.memory.liveBytes);
    return block;
  }

  #take(capacity: number): GPUBuffer {
    const free = this.#free.get(capacity)?.pop();
    if (free !== undefined) {
      this.#freeBytes -= capacity;
      return free.buffer;
    }
    const { maxBufferSize } = this.#device.limits;
    if (capacity > maxBufferSize)
      throw curfewError(
        'OUT_OF_MEMORY',
        `memory of the GPU: expected at most ${maxBufferSize} bytes for one tensor, received ${capacity}`,
        { expected: maxBufferSize, received: capacity },
      );
    // What is kept counts against the limit, too.
    if (this.memory.liveBytes + this.#freeBytes + capacity > this.#limitBytes) this.#destroyFree(() => true);
    return this.#device.createBuffer({ size: capacity, usage: this.#usage });
  }

  retain(block: Block): void {
    block.refs++;
  }

  release(block: Block): void {
    if (--block.refs > 0) return;
    const { buffer, capacity } = block;
    this.#used.delete(block);
    this.memory.liveBytes -= capacity;
    this.#freeBytes += capacity;
    const free = this.#free.get(capacity);
    const entry = { buffer, since: this.#trims };
    if (free === undefined) this.#free.set(capacity, [entry]);
    else free.push(entry);
  }

  /** To be called now and then: gives back what nobody has used for some of these calls. */
  trim(): void {
    this.#trims++;
    this.#destroyFree(({ since }) => this.#trims - since > KEPT_TRIMS);
  }

  #destroyFree(isOld: (buffer: FreeBuffer) => boolean): void {
    this.#flush();
    for (const [capacity, buffers] of this.#free) {
      const kept = buffers.filter((free) => !isOld(free));
      for (const free of buffers) if (isOld(free)) free.buffer.destroy();
      this.#freeBytes -= (buffers.length - kept.length) * capacity;
      if (kept.length === 0) this.#free.delete(capacity);
      else this.#free.set(capacity, kept);
    }
  }

  /** Gives everything back. */
  close(): void {
    this.#destroyFree(() => true);
    for (const { buffer } of this.#used) buffer.destroy();
    this.#used.clear();
    this.memory.liveBytes = 0;
  }
}
