/** Says what a set-up is going to download and keep, and refuses to begin where there is no room for it. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Wheel } from './pins.js';
import { showSize } from './progress.js';
import { checkRoom } from './room.js';
import type { SetupOptions, Task } from './task.js';
import { downloadsFolder, missingWheels } from './wheels.js';

/** Addon and package, with a margin. */
const INSTALLATION_BYTES = 5e6;

/** @throws SETUP_FAILED */
export async function announce(
  { wheels, libraryFolder, variant }: Task,
  options: SetupOptions,
): Promise<void> {
  const { cache, report } = options;
  const missing = missingWheels(wheels, libraryFolder);
  const sum = (sizeOf: (wheel: Wheel) => number) =>
    missing.reduce((total, wheel) => total + sizeOf(wheel), 0);
  const unpacked = sum(({ unpackedBytes }) => unpackedBytes) + INSTALLATION_BYTES;
  // A wheel is removed once it is unpacked, so one lies beside what is unpacked at most.
  const needed = unpacked + Math.max(0, ...missing.map(({ bytes }) => bytes));
  report(`TensorFlow (${variant}) in ${cache}`);
  const downloads = downloadsFolder(cache);
  const downloaded = sum(({ file, bytes }) => (existsSync(join(downloads, file)) ? 0 : bytes));
  report(
    `Downloads ${downloaded === 0 ? 'under 1 MB' : showSize(downloaded)}, takes ${showSize(unpacked)} of disk (${showSize(needed)} meanwhile)`,
  );
  await mkdir(cache, { recursive: true });
  await checkRoom(cache, needed);
}
