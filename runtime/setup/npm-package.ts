/** Fetches packages through npm, so that its settings say from where, and runs no script of theirs. */
import { join } from 'node:path';
import { checkHash } from './hash-file.js';
import type { PinnedPackage } from './pins.js';
import { runTool } from './run-tool.js';
import type { Workplace } from './workplace.js';

/** What fetching takes. `npm` is the path of the program. */
export type PackTools = Pick<Workplace, 'environment' | 'signal' | 'makeFolder'> & { readonly npm: string };

/**
 * Fetches the package's archive; gives its path, in a folder of its own.
 *
 * @param cache for npm's own files, instead of npm's
 * @throws SETUP_FAILED when npm fails or the archive is another one than the pinned
 */
export async function packPackage(
  { requirement, file, integrity }: PinnedPackage,
  { npm, environment, signal, makeFolder }: PackTools,
  cache?: string,
): Promise<string> {
  const folder = await makeFolder();
  const cacheOption = cache === undefined ? [] : ['--cache', cache];
  const pack = ['pack', '--ignore-scripts', '--loglevel=error', ...cacheOption, '--pack-destination', folder];
  await runTool(`fetching ${requirement}`, [npm, ...pack, requirement], {
    signal,
    environment,
    // Not in the project that this was called from, whose settings may name workspaces.
    cwd: folder,
    // Its own stack, and a log that may lie in a folder that goes when the set-up ends.
    noise: /^npm error(?: +at .*| A complete log .*)?$/,
    advice: 'Does npm reach a package registry here?',
  });
  const archive = join(folder, file);
  await checkHash(archive, file, ['sha512', integrity.replace('sha512-', '')]);
  return archive;
}
