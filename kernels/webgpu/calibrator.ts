/** Finds out what the GPU's clock shows at a moment of the shared one. */
import type { Gpu } from './gpu.js';
import type { Calibration } from './work-times.js';

/** The best of so many attempts counts. */
const ATTEMPTS = 10;
/** Clocks drift: by some microseconds in this time, in milliseconds. */
const VALID_MS = 10_000;
/** A shader that does nothing. */
const NOTHING = '@compute @workgroup_size(1) fn main() {}';

export class Calibrator {
  readonly #gpu: Gpu;
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  #pipeline: GPUComputePipeline | undefined;
  #last: Calibration | undefined;

  constructor(gpu: Gpu) {
    const { device, dawn } = gpu;
    const { QUERY_RESOLVE, COPY_SRC, COPY_DST } = dawn.globals.GPUBufferUsage;
    this.#gpu = gpu;
    this.#queries = device.createQuerySet({ type: 'timestamp', count: 2 });
    this.#resolved = device.createBuffer({ size: 256, usage: QUERY_RESOLVE | COPY_SRC | COPY_DST });
  }

  /** A moment on both clocks: the last one if it is recent. Waits for everything submitted. */
  calibrate(): Calibration {
    const { clock } = this.#gpu;
    const isRecent = this.#last !== undefined && clock.nowMs() - this.#last.hostMs < VALID_MS;
    if (isRecent) return this.#last!;
    this.#gpu.drain();
    let best = this.#attempt();
    for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
      const next = this.#attempt();
      if (next.errorMs < best.errorMs) best = next;
    }
    this.#last = best;
    return best;
  }

  /** The GPU's time lies between the submission and its end. */
  #attempt(): Calibration {
    const { device, clock } = this.#gpu;
    const encoder = device.createCommandEncoder();
    const timestampWrites = {
      querySet: this.#queries,
      beginningOfPassWriteIndex: 0,
      endOfPassWriteIndex: 1,
    };
    const pass = encoder.beginComputePass({ timestampWrites });
    pass.setPipeline(this.#nothing());
    pass.dispatchWorkgroups(1);
    pass.end();
    encoder.resolveQuerySet(this.#queries, 0, 2, this.#resolved, 0);
    const commands = encoder.finish();
    const startMs = clock.nowMs();
    device.queue.submit([commands]);
    const gpuNs = this.#gpu.readBuffer(this.#resolved, 16, (bytes) => {
      const [fromNs, toNs] = new BigUint64Array(bytes);
      return (fromNs! + toNs!) / 2n;
    });
    const endMs = clock.nowMs();
    return { gpuNs, hostMs: (startMs + endMs) / 2, errorMs: (endMs - startMs) / 2 };
  }

  #nothing(): GPUComputePipeline {
    const { device } = this.#gpu;
    this.#pipeline ??= device.createComputePipeline({
      layout: 'auto',
      compute: { module: device.createShaderModule({ code: NOTHING }), entryPoint: 'main' },
    });
    return this.#pipeline;
  }
}
