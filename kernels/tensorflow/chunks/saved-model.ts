/** Graphs on their way into TensorFlow: the addon loads them from files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Binding } from '../addon.js';
import { TAG } from './graph-writer.js';

/** Loads a graph from a file that is gone afterwards. Returns its number. @throws what TensorFlow refuses it for */
export function loadGraph(binding: Binding, savedModel: Uint8Array): number {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-chunk-'));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), savedModel);
    return binding.loadSavedModel(folder, TAG);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
