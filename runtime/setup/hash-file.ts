/** Compares files with their pins. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { curfewError } from '../../scheduler/errors.js';

export async function hashFile(
  file: string,
  algorithm: 'sha256' | 'sha512',
  encoding: 'hex' | 'base64',
): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash);
  return hash.digest(encoding);
}

/**
 * Removes a file that is not the pinned one.
 *
 * @throws SETUP_FAILED
 */
export async function checkHash(
  file: string,
  name: string,
  [algorithm, expected]: readonly ['sha256' | 'sha512', string],
): Promise<void> {
  const received = await hashFile(file, algorithm, algorithm === 'sha256' ? 'hex' : 'base64');
  if (received === expected) return;
  await rm(file, { force: true });
  throw curfewError(
    'SETUP_FAILED',
    `${name}: expected ${algorithm} ${expected}, received ${received}; the file was not used and is removed`,
    { expected, received },
  );
}
