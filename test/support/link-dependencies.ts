/** Folders outside the repository that find what is installed here, without a registry. */
import { readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Links everything installed here into `target`, a `node_modules` folder. */
export async function linkDependencies(target: string): Promise<void> {
  const names = await readdir(join(ROOT, 'node_modules'));
  const links = names
    .filter((name) => !name.startsWith('.'))
    .map((name) => symlink(join(ROOT, 'node_modules', name), join(target, name)));
  await Promise.all(links);
}
