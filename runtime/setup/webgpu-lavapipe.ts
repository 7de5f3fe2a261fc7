/** Mesa's lavapipe, a Vulkan driver that computes on the CPU, as a system has it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { WebGpuDriver } from '../../kernels/webgpu/installation.js';
import type { WebGpuMachine } from './webgpu-task.js';

/** Processors as Mesa names them. */
const PROCESSORS: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** It alone, so that the loader looks at no other driver; `undefined` where it is not installed. */
export function findLavapipe({ root, arch }: WebGpuMachine): WebGpuDriver | undefined {
  const folder = join(root, 'usr', 'share', 'vulkan', 'icd.d');
  const names = ['lvp_icd.json', `lvp_icd.${PROCESSORS[arch]}.json`];
  const driverFiles = names.map((name) => join(folder, name)).find(existsSync);
  return driverFiles === undefined ? undefined : { driverFiles, addon: null };
}
