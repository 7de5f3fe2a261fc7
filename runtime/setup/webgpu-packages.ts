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

/** Dawn's addon, and whether a file was downloaded. */
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
  // Both, before anything is downloaded.
  const installed = [DAWN, KERNELS].map((wanted) => findInPackage(wanted, resolver));
  const [addon, kernels] = installed;
  for (const file of installed) if (file !== undefined) report(`Installed as a package: ${file}`);
  let isNew = false;
  const provide = async (wanted: WebGpuPackage, pinned: PinnedArchive, copy: string) => {
    if (existsSync(copy)) return copy;
    const folder = await makeFolder();
    await takeFiles(pinned, [wanted.file], folder, workshop);
    await giveName(folder, dirname(copy));
    isNew = true;
    return copy;
  };
  const provided = addon ?? (await provide(DAWN, pins.dawn, cachedAddon(cache)));
  if (kernels === undefined) await provide(KERNELS, pins.kernels, cachedKernels(cache));
  return { addon: provided, isNew };
}
