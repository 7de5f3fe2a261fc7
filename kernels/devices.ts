/** The devices Curfew knows by name, and how a device module of the caller's becomes one. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Device, DeviceOptions } from '../scheduler/device.js';
import { createWorkerDevice } from './stream-worker/worker-device.js';
import { removeFoldersOf } from './tensorflow/chunks/chunk-folders.js';
import type { TensorFlowOptions, TensorFlowThreadOptions } from './tensorflow/options.js';
import { withQuietThreads } from './tensorflow/quiet-library.js';
import type { VirtualOptions } from './virtual/options.js';
import { createVirtualDevice } from './virtual/virtual-device.js';
import { withDriver } from './webgpu/driver-environment.js';
import { findWebGpu } from './webgpu/installation.js';
import type { WebGpuOptions } from './webgpu/options.js';

/** A device: by name, or a module that exports `createKernelBackend`. */
export type DeviceChoice =
  | { readonly name: 'wasm' }
  | { readonly name: 'tensorflow'; readonly tensorflow: TensorFlowOptions }
  | { readonly name: 'virtual'; readonly virtual: VirtualOptions }
  | { readonly name: 'webgpu'; readonly webgpu: WebGpuOptions }
  | { readonly name: string; readonly module: URL; readonly options: unknown };

const require = createRequire(import.meta.url);

/** URL of a built-in device's backend module: the built file whatever file asks. */
const builtIn = (device: 'wasm' | 'tensorflow' | 'webgpu'): string =>
  pathToFileURL(require.resolve(`#kernels/${device}/backend.js`)).href;

let tensorflowEngines = 0;

/** Threads of TensorFlow's leave a file behind when they are ended at a bad moment. */
async function createTensorFlowDevice(choice: TensorFlowOptions, options: DeviceOptions): Promise<Device> {
  const token = `${tensorflowEngines++}`;
  const backendOptions: TensorFlowThreadOptions = { ...choice, token };
  const backend = builtIn('tensorflow');
  const device = await withQuietThreads(() =>
    createWorkerDevice({ ...options, name: 'tensorflow', backend, backendOptions }),
  );
  const close = async () => {
    await device.close();
    removeFoldersOf(token);
  };
  return { ...device, close };
}

function createWebGpuDevice(backendOptions: WebGpuOptions, options: DeviceOptions): Promise<Device> {
  // Where nothing is installed, the streams say so.
  return withDriver(findWebGpu()?.driverFiles, () =>
    createWorkerDevice({ ...options, name: 'webgpu', backend: builtIn('webgpu'), backendOptions }),
  );
}

/**
 * Starts a device.
 *
 * @throws DEVICE_UNAVAILABLE when it cannot run on this machine
 */
export async function createDevice(choice: DeviceChoice, options: DeviceOptions): Promise<Device> {
  if ('virtual' in choice) return createVirtualDevice(options, choice.virtual);
  const { name } = choice;
  if ('module' in choice) {
    const { module, options: backendOptions } = choice;
    return createWorkerDevice({ ...options, name, backend: module.href, backendOptions });
  }
  if ('tensorflow' in choice) {
    return createTensorFlowDevice(choice.tensorflow, options);
  }
  if ('webgpu' in choice) return createWebGpuDevice(choice.webgpu, options);
  return createWorkerDevice({ ...options, name, backend: builtIn('wasm'), backendOptions: undefined });
}
