/** Sets the webgpu device up: its two packages, and a Vulkan driver whose adapter has computed. */
import { isDeepStrictEqual } from 'node:util';
import {
  namesDrivers,
  type Resolver,
  readRecord,
  recordFile,
  type WebGpuRecord,
} from '../../kernels/webgpu/installation.js';
import { inWorkplace } from './in-workplace.js';
import { replaceFile } from './staging.js';
import { findDriver } from './webgpu-drivers.js';
import { providePackages } from './webgpu-packages.js';
import { checkWebGpuMachine, type WebGpuSetupOptions } from './webgpu-task.js';

const OVERRULED =
  'VK_DRIVER_FILES or VK_ICD_FILENAMES is set here. Where it is, the device takes the drivers it names, and not this one: unset it';

/** How a set-up ended. */
export interface WebGpuSetupResult {
  readonly record: WebGpuRecord;
  /** False where everything was in its place before. */
  readonly isNew: boolean;
}

/**
 * Provides the packages, looks for an adapter, provides a driver that computes on the CPU where there is none, and notes what
 * devices are to load. It may be interrupted at any time, also by killing the process: what is complete is kept, the rest is
 * removed by the next set-up.
 *
 * @throws SETUP_FAILED; DEVICE_UNAVAILABLE where no driver has an adapter, or the user has another version of a package; the
 * signal's reason
 */
export async function setUpWebGpu(
  options: WebGpuSetupOptions,
  resolver?: Resolver,
): Promise<WebGpuSetupResult> {
  const { cache, driver, pins, machine, environment, report } = options;
  checkWebGpuMachine(machine);
  return inWorkplace('webgpu', options, async (workplace) => {
    const workshop = { ...workplace, cache, pins, machine };
    const before = readRecord(cache);
    const { addon, isNew } = await providePackages(workshop, resolver);
    const record: WebGpuRecord = await findDriver(driver, addon, workshop);
    if (record.driver !== null && namesDrivers(environment)) report(OVERRULED);
    const isNoted = isDeepStrictEqual(before, record);
    if (!isNoted) await replaceFile(recordFile(cache), JSON.stringify(record, undefined, 2), workplace);
    return { record, isNew: isNew || !isNoted };
  });
}
