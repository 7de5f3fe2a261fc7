/** Refuses to begin what the disk has no room for. */
import { statfs } from 'node:fs/promises';
import { curfewError } from '../../scheduler/errors.js';
import { showSize } from './progress.js';

/** @throws SETUP_FAILED */
export async function checkRoom(cache: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(cache);
  if (bavail * bsize >= neededBytes) return;
  throw curfewError(
    'SETUP_FAILED',
    `room in ${cache}: expected ${showSize(neededBytes)}, received ${showSize(bavail * bsize)}; CURFEW_CACHE may name another folder`,
  );
}
