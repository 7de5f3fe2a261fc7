/** SwiftShader, a Vulkan driver that computes on the CPU, with a Vulkan loader: for machines where nothing can be installed. */

import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { DAWN_NAME, type WebGpuDriver, webGpuFolder } from '../../kernels/webgpu/installation.js';
import { curfewError } from '../../scheduler/errors.js';
import { giveName } from './staging.js';
import { takeFiles, unpackMembers } from './webgpu-archive.js';
import type { WebGpuWorkshop } from './webgpu-task.js';

/** In the package, an archive of tar. */
const ARCHIVE = 'swiftshader.tar.br';
/** Names the library beside it by a relative path, which the loader takes from where the file lies. */
const DRIVER_FILE = 'vk_swiftshader_icd.json';
/** The last one is the loader, under the name by which Dawn looks for it. */
const MEMBERS = [DRIVER_FILE, 'libvk_swiftshader.so', 'libvulkan.so.1'];

async function makeDriver(folder: string, addon: string, workshop: WebGpuWorkshop): Promise<void> {
  const { pins, makeFolder } = workshop;
  const packed = await makeFolder();
  await takeFiles(pins.swiftShader, [`bin/${ARCHIVE}`], packed, workshop);
  const archive = join(packed, 'swiftshader.tar');
  const source = createReadStream(join(packed, ARCHIVE));
  await pipeline(source, createBrotliDecompress(), createWriteStream(archive));
  const made = await makeFolder();
  await unpackMembers(archive, MEMBERS, made, workshop);
  // Dawn looks for the loader in the folder that its addon was loaded from before it asks the system.
  await copyFile(addon, join(made, 'dawn.node'));
  await giveName(made, folder);
}

/**
 * Provides it; the paths start in the set-up's folder.
 *
 * @throws SETUP_FAILED
 */
export async function provideSwiftShader(addon: string, workshop: WebGpuWorkshop): Promise<WebGpuDriver> {
  const { cache, pins, machine } = workshop;
  if (machine.arch !== 'x64') {
    throw curfewError('SETUP_FAILED', `SwiftShader: expected a processor x64, received ${machine.arch}`);
  }
  const version = pins.swiftShader.requirement.replace(/^.*@/, '');
  const name = `swiftshader-${version}-${DAWN_NAME}`;
  const folder = join(webGpuFolder(cache), name);
  const isWhole = [...MEMBERS, 'dawn.node'].every((file) => existsSync(join(folder, file)));
  if (!isWhole) await makeDriver(folder, addon, workshop);
  return { driverFiles: join(name, DRIVER_FILE), addon: join(name, 'dawn.node') };
}
