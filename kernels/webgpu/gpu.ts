/** One device and all that works on it: what the parts of the backend have in common. */
import type { Clock } from '../../scheduler/clock.js';
import { curfewError } from '../../scheduler/errors.js';
import type { DawnDevice } from './dawn.js';
import { DeviceWait } from './device-wait.js';
import { FencePool } from './fences.js';
import { type Block, GpuMemory } from './gpu-memory.js';
import { Submissions } from './submissions.js';
import { DawnTurns } from './turns.js';

/** Staging buffers up to this size are kept. */
const KEPT_STAGING_BYTES = 2 ** 24;

export class Gpu {
  readonly clock: Clock;
  readonly dawn: DawnDevice;
  readonly device: GPUDevice;
  readonly memory: GpuMemory;
  readonly queue: Submissions;
  readonly #wait: DeviceWait;
  /** What tensors are read through. */
  #staging: GPUBuffer | undefined;

  constructor(dawn: DawnDevice, clock: Clock, limitBytes: number | undefined, leaveIfAsked: () => void) {
    const { device, globals } = dawn;
    const { STORAGE, COPY_SRC, COPY_DST } = globals.GPUBufferUsage;
    this.clock = clock;
    this.dawn = dawn;
    this.device = device;
    this.memory = new GpuMemory(device, STORAGE | COPY_SRC | COPY_DST, limitBytes, () => this.queue.flush());
    this.#wait = new DeviceWait(new DawnTurns(), clock, globals.GPUMapMode.READ, leaveIfAsked);
    const fences = new FencePool(device, globals.GPUBufferUsage);
    this.queue = new Submissions(device, fences, this.#wait, () => this.memory.trim());
  }

  /** Makes a block of these bytes. @throws OUT_OF_MEMORY */
  upload(bytes: Uint8Array<ArrayBuffer>): Block {
    // The copy does not wait for what is encoded, which may still use the block as another tensor's.
    this.queue.flush();
    const block = this.memory.allocate(bytes.byteLength);
    this.device.queue.writeBuffer(block.buffer, 0, bytes);
    return block;
  }

  /** Waits for the block's bytes. `use` gets them and must not keep them. @throws DEVICE_LOST, or what has failed */
  read<Result>(block: Block, use: (bytes: ArrayBuffer) => Result): Result {
    this.queue.flush();
    return this.readBuffer(block.buffer, block.bytes, use);
  }

  /** The same of any buffer. Waits for what is submitted. */
  readBuffer<Result>(buffer: GPUBuffer, bytes: number, use: (bytes: ArrayBuffer) => Result): Result {
    const staging = this.#takeStaging(bytes);
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, bytes);
    this.device.queue.submit([encoder.finish()]);
    this.#wait.map(staging);
    try {
      this.queue.throwFailure();
      return use(staging.getMappedRange(0, bytes));
    } finally {
      staging.unmap();
      this.#giveStaging(staging);
    }
  }

  #takeStaging(bytes: number): GPUBuffer {
    if (this.#staging !== undefined && this.#staging.size >= bytes) return this.#staging;
    const { MAP_READ, COPY_DST } = this.dawn.globals.GPUBufferUsage;
    const size = Math.max(4096, 2 ** Math.ceil(Math.log2(bytes)));
    const staging = this.device.createBuffer({ size, usage: MAP_READ | COPY_DST });
    this.#staging?.destroy();
    this.#staging = staging;
    return staging;
  }

  #giveStaging(staging: GPUBuffer): void {
    if (staging.size <= KEPT_STAGING_BYTES) return;
    staging.destroy();
    this.#staging = undefined;
  }

  /** Waits for everything submitted. @throws what has failed */
  drain(): void {
    this.queue.wait(this.queue.flush());
  }

  /** Passes over what has failed so far. @throws DEVICE_LOST */
  forgetFailures(): void {
    // What a failure brings about is told after it.
    while (this.queue.forgetFailure());
  }

  /** Whether waiting works: Dawn's turns are its own, and another version might take them otherwise. @throws DEVICE_UNAVAILABLE */
  checkTurns(): void {
    const { MAP_READ, COPY_DST } = this.dawn.globals.GPUBufferUsage;
    const probe = this.device.createBuffer({ size: 4, usage: MAP_READ | COPY_DST });
    const encoder = this.device.createCommandEncoder();
    encoder.clearBuffer(probe);
    this.device.queue.submit([encoder.finish()]);
    if (!this.#wait.canMap(probe))
      throw curfewError(
        'DEVICE_UNAVAILABLE',
        "device: 'webgpu': expected Dawn 0.6.2, whose turns can be given to it",
      );
    probe.destroy();
  }

  /** Leaves nothing pending. Returns whether the device is idle. */
  park(): boolean {
    this.#wait.giveUp();
    return this.queue.isIdle();
  }

  /** Ends the device. */
  close(): void {
    this.#wait.giveUp();
    this.memory.close();
    this.device.destroy();
  }
}
