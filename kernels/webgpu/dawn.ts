/** Dawn, WebGPU's implementation in Chromium, through npm's `webgpu`: its addon, and a device of it. */
import { createRequire } from 'node:module';
import { curfewError, quote } from '../../scheduler/errors.js';
import { messageOf } from '../../scheduler/quote.js';
import { describeSearch } from './installation.js';
import type { WebGpuOptions } from './options.js';

/** What the addon exports. */
interface DawnAddon {
  create(flags: readonly string[]): GPU;
  /** Classes and constants that browsers have as globals. */
  readonly globals: DawnGlobals;
}

/** Those used here. */
export interface DawnGlobals {
  readonly GPUBuffer: unknown;
  readonly GPUTexture: unknown;
  readonly GPUBufferUsage: GPUBufferUsage;
  readonly GPUMapMode: GPUMapMode;
}

/** What a GPU says of itself. Any of it may be empty. */
export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  /** Name and driver. */
  readonly description: string;
}

/** A GPU, ready for work. */
export interface DawnDevice {
  /** Dawn itself. It must outlive its device: the process ends otherwise. */
  readonly instance: GPU;
  readonly globals: DawnGlobals;
  readonly device: GPUDevice;
  readonly info: AdapterInfo;
  /** Whether the device tells when its work ran. */
  readonly hasTimestamps: boolean;
}

type InformedAdapter = GPUAdapter & { readonly info: AdapterInfo };

const require = createRequire(import.meta.url);

/** Dawn's flags: whole nanoseconds, which browsers hide; Vulkan, which is what Linux has. */
const FLAGS = ['enable-dawn-features=allow_unsafe_apis', 'disable-dawn-features=timestamp_quantization'];

/** What kernels are better for. */
const LIMITS = [
  'maxBufferSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupsPerDimension',
  'maxComputeWorkgroupStorageSize',
  'maxStorageBufferBindingSize',
] as const;

function unavailable(reason: string, cause?: unknown): Error {
  return curfewError('DEVICE_UNAVAILABLE', `device: 'webgpu': ${reason}`, { cause });
}

function loadAddon(file: string): DawnAddon {
  try {
    return require(file) as DawnAddon;
  } catch (error) {
    throw unavailable(`${quote(file)} cannot be loaded: ${messageOf(error)}`, error);
  }
}

async function requestAdapter(gpu: GPU, { powerPreference }: WebGpuOptions): Promise<GPUAdapter> {
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference: powerPreference ?? 'high-performance' });
  } catch (error) {
    // So Dawn refuses a name that no GPU has, and lists those there are.
    throw unavailable(messageOf(error), error);
  }
  if (adapter !== null) return adapter;
  const where = describeSearch(process.env);
  const remedy =
    where === ''
      ? '`npx curfew setup webgpu` says what is there, and installs a software one'
      : 'unset the variable, or have it name a driver that works';
  throw unavailable(`expected a GPU with a Vulkan driver, found none${where}; ${remedy}`);
}

async function requestDevice(adapter: GPUAdapter, hasTimestamps: boolean): Promise<GPUDevice> {
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures: GPUFeatureName[] = hasTimestamps ? ['timestamp-query'] : [];
  try {
    return await adapter.requestDevice({ requiredLimits, requiredFeatures });
  } catch (error) {
    throw unavailable(messageOf(error), error);
  }
}

/**
 * Opens a device of its own on a GPU.
 *
 * @throws DEVICE_UNAVAILABLE
 */
export async function openDevice(addonFile: string, options: WebGpuOptions): Promise<DawnDevice> {
  const { create, globals } = loadAddon(addonFile);
  const flags = ['backend=vulkan', ...FLAGS];
  if (options.adapter !== undefined) flags.push(`adapter=${options.adapter}`);
  const instance = create(flags);
  const adapter = await requestAdapter(instance, options);
  const hasTimestamps = adapter.features.has('timestamp-query');
  const device = await requestDevice(adapter, hasTimestamps);
  const { vendor, architecture, device: name, description } = (adapter as InformedAdapter).info;
  const info = { vendor, architecture, device: name, description };
  return { instance, globals, device, info, hasTimestamps };
}

/** The GPU in words, with its driver. */
export function describeAdapter({ description, device, architecture, vendor }: AdapterInfo): string {
  const words = [device || architecture || vendor, description].filter((word) => word !== '');
  return words.join(', ') || 'unknown';
}
