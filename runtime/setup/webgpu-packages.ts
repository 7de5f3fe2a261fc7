/** Provides Dawn's addon and TensorFlow.js's kernels: the user's packages, or copies of the two files that are needed. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  cachedAddon,
  cachedKernels,
  DAWN,
  findInPackage,
  KERNELS,
  type Resolver,
  type WebGpuPackage,
} from '../../kernels/webgpu/installation.js';
import { giveName } from './staging.js';
import { takeFiles } from './webgpu-archive.js';
import type { PinnedArchive } from './webgpu-pins.js';
import type { WebGpuWorkshop } from './webgpu-task.js';

/** The two files, and whether one was downloaded. */
export interface ProvidedPackages {
  readonly addon: string;
  readonly isNew: boolean;
}

/**
 * @throws SETUP_FAILED; DEVICE_UNAVAILABLE where the user has another version of a package
 */
export async function providePackages(
  workshop: WebGpuWorkshop,
  resolver?: Resolver,
): Promise<ProvidedPackages> {
  const { cache, pins, report, makeFolder } = workshop;
  let isNew = false;
  const provide = async (wanted: WebGpuPackage, pinned: PinnedArchive, copy: string): Promise<string> => {
    const installed = findInPackage(wanted, resolver);
    if (installed !== undefined) report(`${pinned.requirement} is installed: ${installed}`);
    if (installed !== undefined || existsSync(copy)) return installed ?? copy;
    const folder = await makeFolder();
    await takeFiles(pinned, [wanted.file], folder, workshop);
    await giveName(folder, dirname(copy));
    isNew = true;
    return copy;
  };
  const addon = await provide(DAWN, pins.dawn, cachedAddon(cache));
  await provide(KERNELS, pins.kernels, cachedKernels(cache));
  return { addon, isNew };
}
