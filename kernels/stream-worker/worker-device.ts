/** A device whose streams are worker threads: the shape of every device except the virtual one. */
import type { Clock } from '../../scheduler/clock.js';
import type { Device, DeviceOptions } from '../../scheduler/device.js';
import { curfewError } from '../../scheduler/errors.js';
import { messageOf } from '../../scheduler/quote.js';
import { type ControlBlock, createControlBlock, SharedControls } from './control-block.js';
import { startStreams } from './stream-set.js';
import { Watchdog } from './watchdog.js';
import { startWorkerThread } from './worker-thread.js';

/** Which kernels the workers host. */
export interface WorkerDeviceOptions extends DeviceOptions {
  readonly name: string;
  /** URL of the module that exports `createKernelBackend`. */
  readonly backend: string;
  /** Plain data handed to the module. */
  readonly backendOptions: unknown;
}

function startWatchdog(block: ControlBlock, controls: SharedControls, clock: Clock): Watchdog {
  try {
    return new Watchdog(block, controls, clock);
  } catch (cause) {
    throw curfewError('DEVICE_UNAVAILABLE', `watchdog: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Starts the streams and the watchdog.
 *
 * @throws DEVICE_UNAVAILABLE (or what the backend module threw, by its code) when a stream cannot start
 */
export async function createWorkerDevice(options: WorkerDeviceOptions): Promise<Device> {
  const { name, backend, backendOptions, clock, threads, memoryLimitBytes } = options;
  const block = createControlBlock(options.slots);
  const controls = new SharedControls(block);
  const control = { buffer: block.buffer, slots: block.slots };
  const watchdog = startWatchdog(block, controls, clock);
  const { streams, ready } = startStreams({
    streams: options.streams,
    slots: options.slots,
    memoryLimitBytes,
    events: options.events,
    startThread: (stream, shared) => (events) =>
      startWorkerThread(
        {
          backend,
          options: { stream, threads, memoryLimitBytes, device: backendOptions },
          control,
          ...shared,
        },
        events,
        clock,
      ),
  });
  const close = async () => {
    await Promise.all([watchdog.close(), ...streams.map((stream) => stream.terminate())]);
  };
  try {
    await ready;
  } catch (error) {
    await close();
    throw error;
  }
  return { name, clock, streams, controls, hasWatchdog: () => watchdog.isRunning, close };
}
