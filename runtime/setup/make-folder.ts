/** Makes the folder of the cache. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it, one by one: `mkdir` with `recursive` never ends where a file system holds no folders
 * (`/proc`), as it takes the refusal for a missing folder above.
 */
export async function makeFolder(folder: string): Promise<void> {
  if (existsSync(folder)) return;
  await makeFolder(dirname(folder));
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    // Another set-up was faster.
    if (error.code !== 'EEXIST') throw error;
  });
}
