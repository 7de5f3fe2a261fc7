/** Folders in which things are made that get their real name when they are complete. */
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasEnded, ownIdentity } from '../../kernels/tensorflow/process-identity.js';

/** See `Workplace`. */
interface FolderMaker {
  makeFolder(): Promise<string>;
}

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

/** Writes a file that is there whole or not at all. */
export async function replaceFile(file: string, text: string, { makeFolder }: FolderMaker): Promise<void> {
  const draft = join(await makeFolder(), 'draft');
  await writeFile(draft, text);
  await mkdir(dirname(file), { recursive: true });
  await rename(draft, file);
}

/** Gives a complete folder its name. One that has the name is damaged or outdated, or it would not be made again. */
export async function giveName(folder: string, name: string): Promise<void> {
  await rm(name, { recursive: true, force: true });
  await mkdir(dirname(name), { recursive: true });
  await rename(folder, name);
}
