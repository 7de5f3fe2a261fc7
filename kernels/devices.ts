/** The devices Curfew knows by name, and how a device module of the caller's becomes one. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Device, DeviceOptions } from '../scheduler/device.js';
import { createWorkerDevice } from './stream-worker/worker-device.js';
import type { VirtualOptions } from './virtual/options.js';
import { createVirtualDevice } from './virtual/virtual-device.js';

/** A device: by name, or a module that exports `createKernelBackend`. */
export type DeviceChoice =
  | { readonly name: 'wasm' }
  | { readonly name: 'virtual'; readonly virtual: VirtualOptions }
  | { readonly name: string; readonly module: URL; readonly options: unknown };

const require = createRequire(import.meta.url);

/** Backend modules of the built-in devices, resolved to built files whatever file asks. */
const BUILT_IN = { wasm: '#kernels/wasm/backend.js' } as const;

/**
 * Starts a device.
 *
 * @throws DEVICE_UNAVAILABLE when it cannot run on this machine
 */
export function createDevice(choice: DeviceChoice, options: DeviceOptions): Promise<Device> {
  if ('virtual' in choice) return createVirtualDevice(options, choice.virtual);
  const isModule = 'module' in choice;
  return createWorkerDevice({
    ...options,
    name: choice.name,
    backend: isModule ? choice.module.href : pathToFileURL(require.resolve(BUILT_IN[choice.name])).href,
    backendOptions: isModule ? choice.options : undefined,
  });
}
