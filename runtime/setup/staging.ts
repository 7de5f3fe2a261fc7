/** Folders in which things are made that get their real name when they are complete. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasEnded, ownIdentity } from '../../kernels/tensorflow/process-identity.js';

/** Makes a folder of this process alone, which whoever calls this removes. */
export async function makeStaging(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  return mkdtemp(join(folder, `${ownIdentity()}.`));
}

/** Removes what processes left that were killed. */
export async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const left = names.filter((name) => hasEnded(name.replace(/\.[^.]*$/, '')));
  await Promise.all(left.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}
