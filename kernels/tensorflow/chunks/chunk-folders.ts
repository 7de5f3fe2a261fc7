/** The folders that graphs pass through, and what is left of them where a thread was ended at a bad moment. */
import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasEnded, ownIdentity } from '../process-identity.js';

/** Before the identity of the process in names of folders. */
const PREFIX = 'curfew-chunk-';
/** Captures the identity. */
const FOLDER = new RegExp(`^${PREFIX}(\\d+\\.\\d+\\..+)\\.[^.]+$`);

/** How the names of an engine's folders begin. `token`: see `TensorFlowThreadOptions`. */
export const prefixOf = (token: string): string => `${PREFIX}${ownIdentity()}.${token}-`;

function listOrNothing(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Whether a process that has ended left the folder. */
function isLeftover(name: string): boolean {
  const identity = FOLDER.exec(name)?.[1];
  return identity !== undefined && hasEnded(identity);
}

/** Removes what processes left that ended in the middle of loading a graph. */
export function removeLeftovers(): void {
  removeFolders(isLeftover);
}

/** Removes what an engine of this process left whose threads were ended in the middle of loading a graph. */
export function removeFoldersOf(token: string): void {
  removeFolders((name) => name.startsWith(prefixOf(token)));
}

function removeFolders(isMeant: (name: string) => boolean): void {
  for (const name of listOrNothing(tmpdir()).filter(isMeant)) {
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // Another user's; it is theirs to remove.
    }
  }
}
