/** Gives a set-up its part of the cache, for itself alone and cleaned up afterwards. */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isTrusted } from '../../kernels/cache-folder.js';
import { curfewError } from '../../scheduler/errors.js';
import { takeLock } from './lock.js';
import { makeFolder } from './make-folder.js';
import { makeStaging, removeLeftovers } from './staging.js';
import type { Workplace } from './workplace.js';

/** A workplace without its folders. */
export interface WorkplaceOptions extends Omit<Workplace, 'makeFolder'> {
  readonly cache: string;
}

/** Makes the cache, or looks whose it is. */
async function makeCache(cache: string): Promise<void> {
  await makeFolder(cache);
  if (isTrusted(cache)) return;
  const { uid, mode } = await stat(cache);
  const received = `${cache} of user ${uid} with mode ${(mode & 0o777).toString(8)}`;
  throw curfewError(
    'SETUP_FAILED',
    `cache folder: expected one that is yours or root's and that others cannot write, received ${received}`,
  );
}

/** Runs `work` with the lock, and removes both the lock and whatever folders were made, whatever happens. */
async function withLock<Result>(
  device: string,
  options: WorkplaceOptions,
  work: (workplace: Workplace) => Promise<Result>,
): Promise<Result> {
  const { cache, clock, signal, report, environment, loadProgram } = options;
  const stagings = join(cache, device, 'staging');
  const onWait = (holder: string) => report(`Waiting for another set-up to end (process ${holder})`);
  const release = await takeLock(join(cache, device, 'lock'), { stagings, clock, signal, onWait });
  const made: string[] = [];
  try {
    await removeLeftovers(stagings);
    const makeFolder = async () => {
      const folder = await makeStaging(stagings);
      made.push(folder);
      return folder;
    };
    return await work({ clock, signal, report, environment, loadProgram, makeFolder });
  } finally {
    for (const folder of made) await rm(folder, { recursive: true, force: true });
    await release();
  }
}

/** What the file system refuses is the machine's doing and has words of its own, with the path. */
function asSetupError(error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  return curfewError('SETUP_FAILED', `files of the set-up: ${error.message}`, { cause: error });
}

/**
 * Calls `work` in the device's part of the cache.
 *
 * @throws SETUP_FAILED for what the file system refuses; what `work` throws; the signal's reason
 */
export async function inWorkplace<Result>(
  device: string,
  options: WorkplaceOptions,
  work: (workplace: Workplace) => Promise<Result>,
): Promise<Result> {
  try {
    await makeCache(options.cache);
    return await withLock(device, options, work);
  } catch (error) {
    throw asSetupError(error);
  }
}
