/** Fences: what tells that a submission is over. */

/** Nodes that one submission can time. */
export const TIMED_NODES = 16;

/** A start and an end each, as 64-bit nanoseconds. */
const TIMES_BYTES = TIMED_NODES * 2 * 8;

/** Where the GPU writes times. */
export interface TimeQueries {
  readonly set: GPUQuerySet;
  readonly resolved: GPUBuffer;
}

/** One of them per submission. */
export interface Fence {
  /** Used by its submission last, so it can be mapped once that is over. */
  readonly buffer: GPUBuffer;
  /** Made when first needed. */
  queries: TimeQueries | undefined;
}

/** Makes a buffer. @throws OUT_OF_MEMORY, KERNEL_FAILED when the device refuses it */
export type MakeBuffer = (size: number, usage: number) => GPUBuffer;

/** Makes fences, and keeps those that are over. */
export class FencePool {
  readonly #device: GPUDevice;
  readonly #makeBuffer: MakeBuffer;
  readonly #usage: GPUBufferUsage;
  readonly #free: Fence[] = [];

  constructor(device: GPUDevice, makeBuffer: MakeBuffer, usage: GPUBufferUsage) {
    this.#device = device;
    this.#makeBuffer = makeBuffer;
    this.#usage = usage;
  }

  take(): Fence {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const { MAP_READ, COPY_DST } = this.#usage;
    return { buffer: this.#makeBuffer(TIMES_BYTES, MAP_READ | COPY_DST), queries: undefined };
  }

  give(fence: Fence): void {
    this.#free.push(fence);
  }

  /** Gives the fence what times are written to. */
  queriesOf(fence: Fence): TimeQueries {
    fence.queries ??= this.#makeQueries();
    return fence.queries;
  }

  #makeQueries(): TimeQueries {
    const { QUERY_RESOLVE, COPY_SRC } = this.#usage;
    const resolved = this.#makeBuffer(TIMES_BYTES, QUERY_RESOLVE | COPY_SRC);
    return { set: this.#device.createQuerySet({ type: 'timestamp', count: TIMED_NODES * 2 }), resolved };
  }
}

/** Has the encoder touch the fence, with the times of so many nodes. */
export function encodeFence(
  encoder: GPUCommandEncoder,
  { buffer, queries }: Fence,
  timedNodes: number,
): void {
  if (timedNodes === 0 || queries === undefined) {
    encoder.clearBuffer(buffer, 0, 4);
    return;
  }
  encoder.resolveQuerySet(queries.set, 0, timedNodes * 2, queries.resolved, 0);
  encoder.copyBufferToBuffer(queries.resolved, 0, buffer, 0, timedNodes * 16);
}
