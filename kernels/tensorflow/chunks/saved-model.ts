/** Graphs on their way into TensorFlow: the addon loads them from files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { curfewError } from '../../../scheduler/errors.js';
import { messageOf } from '../../../scheduler/quote.js';
import type { Binding } from '../addon.js';
import { prefixOf } from './chunk-folders.js';
import { TAG } from './graph-writer.js';

/** Loads a graph from a file that is gone afterwards. Returns its number. @throws what TensorFlow refuses it for */
export function loadGraph(binding: Binding, savedModel: Uint8Array, token: string): number {
  const folder = inTemporaryFolder(() => mkdtempSync(join(tmpdir(), prefixOf(token))));
  try {
    inTemporaryFolder(() => writeFileSync(join(folder, 'saved_model.pb'), savedModel));
    return load(binding, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function inTemporaryFolder<Result>(write: () => Result): Result {
  try {
    return write();
  } catch (cause) {
    const remedy = 'set TMPDIR to one, or compile with chunks: false';
    throw curfewError(
      'KERNEL_FAILED',
      `chunks: expected a temporary folder with room (${remedy}): ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
}

function load(binding: Binding, folder: string): number {
  try {
    return binding.loadSavedModel(folder, TAG);
  } catch (cause) {
    throw curfewError('UNSUPPORTED_OP', `tensorflow: ${messageOf(cause)}`, { cause });
  }
}
