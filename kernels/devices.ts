/** The devices Curfew knows by name, and how a device module of the caller's becomes one. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Device, DeviceOptions } from '../scheduler/device.js';
import { createWorkerDevice } from './stream-worker/worker-device.js';
import type { TensorFlowOptions } from './tensorflow/options.js';
import { withQuietThreads } from './tensorflow/quiet-library.js';
import type { VirtualOptions } from './virtual/options.js';
import { createVirtualDevice } from './virtual/virtual-device.js';

/** A device: by name, or a module that exports `createKernelBackend`. */
export type DeviceChoice =
  | { readonly name: 'wasm' }
  | { readonly name: 'tensorflow'; readonly tensorflow: TensorFlowOptions }
  | { readonly name: 'virtual'; readonly virtual: VirtualOptions }
  | { readonly name: string; readonly module: URL; readonly options: unknown };

const require = createRequire(import.meta.url);

/** URL of a built-in device's backend module: the built file whatever file asks. */
const builtIn = (device: 'wasm' | 'tensorflow'): string =>
  pathToFileURL(require.resolve(`#kernels/${device}/backend.js`)).href;

/**
 * Starts a device.
 *
 * @throws DEVICE_UNAVAILABLE when it cannot run on this machine
 */
export function createDevice(choice: DeviceChoice, options: DeviceOptions): Promise<Device> {
  if ('virtual' in choice) return createVirtualDevice(options, choice.virtual);
  const { name } = choice;
  if ('module' in choice) {
    const { module, options: backendOptions } = choice;
    return createWorkerDevice({ ...options, name, backend: module.href, backendOptions });
  }
  if ('tensorflow' in choice) {
    const { tensorflow: backendOptions } = choice;
    const backend = builtIn('tensorflow');
    return withQuietThreads(() => createWorkerDevice({ ...options, name, backend, backendOptions }));
  }
  return createWorkerDevice({ ...options, name, backend: builtIn('wasm'), backendOptions: undefined });
}
