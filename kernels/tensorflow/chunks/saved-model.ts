/** Graphs on their way into TensorFlow: the addon loads them from files. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { curfewError } from '../../../scheduler/errors.js';
import { messageOf } from '../../../scheduler/quote.js';
import type { Binding } from '../addon.js';
import { hasEnded, ownIdentity } from '../process-identity.js';
import { TAG } from './graph-writer.js';

/** Before the identity of the process in names of folders. */
const PREFIX = 'curfew-chunk-';
/** Captures the identity. */
const FOLDER = new RegExp(`^${PREFIX}(\\d+\\.\\d+\\..+)\\.[^.]+$`);

/** Loads a graph from a file that is gone afterwards. Returns its number. @throws what TensorFlow refuses it for */
export function loadGraph(binding: Binding, savedModel: Uint8Array): number {
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${ownIdentity()}.`));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), savedModel);
    return load(binding, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function load(binding: Binding, folder: string): number {
  try {
    return binding.loadSavedModel(folder, TAG);
  } catch (cause) {
    throw curfewError('UNSUPPORTED_OP', `tensorflow: ${messageOf(cause)}`, { cause });
  }
}

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
  for (const name of listOrNothing(tmpdir()).filter(isLeftover)) {
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // Another user's; it is theirs to remove.
    }
  }
}
