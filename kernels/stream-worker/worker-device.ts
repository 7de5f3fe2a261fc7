/** A device whose streams are worker threads: the shape of every device except the virtual one. */
import type { Device, DeviceOptions } from '../../scheduler/device.js';
import { createControlBlock, SharedControls } from './control-block.js';
import { MEMORY } from './protocol.js';
import { Watchdog } from './watchdog.js';
import { WorkerStream } from './worker-stream.js';

/** Which kernels the workers host. */
export interface WorkerDeviceOptions extends DeviceOptions {
  readonly name: string;
  /** URL of the module that exports `createKernelBackend`. */
  readonly backend: string;
  /** Plain data handed to the module. */
  readonly backendOptions: unknown;
}

/** Resolves when every stream is ready, rejects when one cannot start. */
function whenReady(streams: readonly WorkerStream[], changes: EventTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    const check = () => {
      const broken = streams.find((stream) => stream.broken !== undefined);
      if (broken === undefined && !streams.every((stream) => stream.available)) return;
      changes.removeEventListener('change', check);
      if (broken === undefined) resolve();
      else reject(broken.broken);
    };
    changes.addEventListener('change', check);
  });
}

/**
 * Starts the streams and the watchdog.
 *
 * @throws DEVICE_UNAVAILABLE (or what the backend module threw, by its code) when a stream cannot start
 */
export async function createWorkerDevice(options: WorkerDeviceOptions): Promise<Device> {
  const block = createControlBlock(options.slots);
  const controls = new SharedControls(block);
  const watchdog = new Watchdog(block, controls);
  const changes = new EventTarget();
  const streams = Array.from(
    { length: options.streams },
    (_, stream) =>
      new WorkerStream(
        {
          backend: options.backend,
          options: {
            stream,
            threads: options.threads,
            memoryLimitBytes: options.memoryLimitBytes,
            device: options.backendOptions,
          },
          control: { buffer: block.buffer, slots: block.slots },
          memory: new SharedArrayBuffer(MEMORY.length * Float64Array.BYTES_PER_ELEMENT),
        },
        {
          onChange: () => {
            changes.dispatchEvent(new Event('change'));
            options.events.onStreamChange(stream);
          },
          onReplaced: (reason) => options.events.onStreamReplaced(stream, reason),
        },
      ),
  );
  const close = async () => {
    await Promise.all([watchdog.close(), ...streams.map((stream) => stream.terminate())]);
  };
  try {
    await whenReady(streams, changes);
  } catch (error) {
    await close();
    throw error;
  }
  return { name: options.name, clock: options.clock, streams, controls, close };
}
