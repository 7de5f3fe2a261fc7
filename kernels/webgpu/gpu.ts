/** One device and all that works on it: what the parts of the backend have in common. */
import type { Clock } from '../../scheduler/clock.js';
import { curfewError } from '../../scheduler/errors.js';
import type { BackendOptions } from '../../scheduler/kernel.js';
import type { DawnDevice } from './dawn.js';
import { Failures } from './failures.js';
import { FencePool, type MakeBuffer } from './fences.js';
import { type Block, GpuMemory } from './gpu-memory.js';
import { MapWait } from './map-wait.js';
import { Submissions } from './submissions.js';
import { DawnTurns } from './turns.js';

/** Staging buffers from and up to this size are kept. */
const LEAST_STAGING_BYTES = 2 ** 12;
const KEPT_STAGING_BYTES = 2 ** 24;

/** How the thread that hosts the device can be ended, see `BackendOptions`; and how much memory there is. */
export type GpuOptions = Pick<BackendOptions, 'leaveIfAsked' | 'whileFree' | 'memoryLimitBytes'>;

export class Gpu {
  readonly clock: Clock;
  readonly dawn: DawnDevice;
  readonly device: GPUDevice;
  readonly memory: GpuMemory;
  readonly queue: Submissions;
  readonly leaveIfAsked: () => void;
  readonly whileFree: <Result>(work: () => Result) => Result;
  readonly #failures: Failures;
  readonly #wait: MapWait;
  /** What tensors are read through. */
  #staging: GPUBuffer | undefined;

  constructor(dawn: DawnDevice, clock: Clock, options: GpuOptions) {
    const { device, globals } = dawn;
    const { leaveIfAsked = () => undefined, whileFree = (work) => work() } = options;
    const failures = new Failures(device);
    this.clock = clock;
    this.dawn = dawn;
    this.device = device;
    this.leaveIfAsked = leaveIfAsked;
    this.whileFree = whileFree;
    this.#failures = failures;
    const { STORAGE, COPY_SRC, COPY_DST } = globals.GPUBufferUsage;
    this.memory = new GpuMemory({
      makeBuffer: (size) => this.makeBuffer(size, STORAGE | COPY_SRC | COPY_DST),
      limitBytes: options.memoryLimitBytes,
      maxBytes: device.limits.maxBufferSize,
      clock,
      flush: () => this.queue.flush(),
    });
    const turns = new DawnTurns();
    this.#wait = new MapWait({ turns, failures, clock, mapRead: globals.GPUMapMode.READ, leaveIfAsked });
    const fences = new FencePool(device, this.makeBuffer, globals.GPUBufferUsage);
    this.queue = new Submissions({ device, fences, failures, wait: this.#wait });
  }

  /** Makes a buffer. @throws OUT_OF_MEMORY, KERNEL_FAILED when the device refuses it */
  readonly makeBuffer: MakeBuffer = (size, usage) =>
    this.#failures.throwing(() => this.device.createBuffer({ size, usage }));

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
    let result: Result;
    try {
      this.queue.throwFailure();
      result = use(staging.getMappedRange(0, bytes));
    } finally {
      staging.unmap();
    }
    this.#giveStaging(staging);
    return result;
  }

  /** One that fails is not given back. */
  #takeStaging(bytes: number): GPUBuffer {
    const kept = this.#staging;
    this.#staging = undefined;
    if (kept !== undefined && kept.size >= bytes) return kept;
    kept?.destroy();
    const { MAP_READ, COPY_DST } = this.dawn.globals.GPUBufferUsage;
    const roomy = Math.max(LEAST_STAGING_BYTES, 2 ** Math.ceil(Math.log2(bytes)));
    return this.makeBuffer(Math.min(roomy, this.device.limits.maxBufferSize), MAP_READ | COPY_DST);
  }

  #giveStaging(staging: GPUBuffer): void {
    if (staging.size <= KEPT_STAGING_BYTES) this.#staging = staging;
    else staging.destroy();
  }

  /** Waits for everything submitted. @throws DEVICE_LOST, or what has failed */
  drain(): void {
    this.queue.wait(this.queue.flush());
  }

  /** Whether waiting works: Dawn's turns are its own, and another version might take them otherwise. @throws DEVICE_UNAVAILABLE */
  checkTurns(): void {
    const { MAP_READ, COPY_DST } = this.dawn.globals.GPUBufferUsage;
    const probe = this.makeBuffer(4, MAP_READ | COPY_DST);
    const encoder = this.device.createCommandEncoder();
    encoder.clearBuffer(probe);
    this.device.queue.submit([encoder.finish()]);
    const canMap = this.#wait.canMap(probe);
    probe.destroy();
    if (!canMap)
      throw curfewError(
        'DEVICE_UNAVAILABLE',
        "device: 'webgpu': expected a GPU that maps a buffer, and Dawn 0.6.2, whose turns can be given to it",
      );
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
