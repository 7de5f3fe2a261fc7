/** The buffers of tensors on the GPU: counted, limited, and kept for tensors to come. */
import type { CancelTimer, Clock } from '../../scheduler/clock.js';
import { curfewError, invariant } from '../../scheduler/errors.js';
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
  readonly sinceMs: number;
}

/** What the memory works with. */
export interface GpuMemoryParts {
  /** @throws OUT_OF_MEMORY */
  makeBuffer(bytes: number): GPUBuffer;
  /** Most bytes of live tensors; `undefined`: what the GPU has. */
  readonly limitBytes: number | undefined;
  /** Most bytes of one buffer. */
  readonly maxBytes: number;
  readonly clock: Clock;
  /** Hands over what is encoded, which may still use buffers that are free. */
  flush(): void;
}

const SMALLEST_BYTES = 256;
/** Sizes per doubling: buffers fit tensors that are smaller by an eighth at most. */
const STEPS = 8;
/** A buffer that has been free for this long, in milliseconds, is given back. */
const KEPT_MS = 2000;

/** The size of the buffer for this many bytes: few sizes, so that free buffers fit. */
export function capacityFor(bytes: number, maxBytes = Number.POSITIVE_INFINITY): number {
  if (bytes <= SMALLEST_BYTES) return SMALLEST_BYTES;
  const step = 2 ** Math.floor(Math.log2(bytes - 1)) / STEPS;
  return Math.max(bytes, Math.min(maxBytes, Math.ceil(bytes / step) * step));
}

/**
 * Allocates blocks. A block is free as soon as nobody holds it, also while work that was encoded before still uses it: whoever
 * takes it next encodes later.
 */
export class GpuMemory {
  readonly memory: BackendMemory = { liveBytes: 0, peakBytes: 0 };
  readonly #parts: GpuMemoryParts;
  readonly #limitBytes: number;
  readonly #free = new Map<number, FreeBuffer[]>();
  readonly #used = new Set<Block>();
  #freeBytes = 0;
  #cancelTrim: CancelTimer | undefined;

  constructor(parts: GpuMemoryParts) {
    this.#parts = parts;
    this.#limitBytes = parts.limitBytes ?? Number.POSITIVE_INFINITY;
  }

  capacityFor(bytes: number): number {
    return capacityFor(bytes, this.#parts.maxBytes);
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
    const capacity = this.capacityFor(bytes);
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
    const { maxBytes, makeBuffer } = this.#parts;
    if (capacity > maxBytes)
      throw curfewError(
        'OUT_OF_MEMORY',
        `memory of the GPU: expected at most ${maxBytes} bytes for one tensor, received ${capacity}`,
        { expected: maxBytes, received: capacity },
      );
    // What is kept counts against the limit, too.
    if (this.memory.liveBytes + this.#freeBytes + capacity > this.#limitBytes) this.#destroyFree(() => true);
    return makeBuffer(capacity);
  }

  retain(block: Block): void {
    block.refs++;
  }

  release(block: Block): void {
    invariant(block.refs > 0, 'a block is released as often as it is held');
    if (--block.refs > 0) return;
    const { buffer, capacity } = block;
    this.#used.delete(block);
    this.memory.liveBytes -= capacity;
    this.#freeBytes += capacity;
    const free = this.#free.get(capacity);
    const entry = { buffer, sinceMs: this.#parts.clock.nowMs() };
    if (free === undefined) this.#free.set(capacity, [entry]);
    else free.push(entry);
    this.#cancelTrim ??= this.#parts.clock.setTimer(KEPT_MS, () => this.#trim());
  }

  /** Gives back what nobody has used for a while, and looks again while anything is kept. */
  #trim(): void {
    const { clock } = this.#parts;
    const beforeMs = clock.nowMs() - KEPT_MS;
    this.#destroyFree(({ sinceMs }) => sinceMs <= beforeMs);
    this.#cancelTrim = this.#free.size === 0 ? undefined : clock.setTimer(KEPT_MS, () => this.#trim());
  }

  #destroyFree(isOld: (buffer: FreeBuffer) => boolean): void {
    this.#parts.flush();
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
    this.#cancelTrim?.();
    this.#destroyFree(() => true);
    for (const { buffer } of this.#used) buffer.destroy();
    this.#used.clear();
    this.memory.liveBytes = 0;
  }
}
