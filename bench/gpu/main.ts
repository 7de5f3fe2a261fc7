/**
 * What do Curfew's cancellation modes cost on this GPU, how late are runs that are stopped, and does the device compute what it
 * should?
 *
 * Expected of a GPU: `'node'` costs what a fence costs per node, so little where nodes take 1 ms and several times the run where
 * they take 10 µs; `{ precisionMs }` costs less the coarser it is and hardly anything from 5 ms on; runs stop within the
 * precision, one node and 2 ms; two runs in flight gain what lies between runs, more of them nothing. Of software Vulkan the same
 * in kind: there submitting takes time from the cores that compute.
 *
 * Run `npm run bench:gpu -- [--out FOLDER] [--adapter NAME] [--parts A,B] [--smoke]`; without a folder, `results`. It takes some 10
 * minutes on a GPU, up to 20 on software Vulkan, and writes after each part.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { progress } from '../harness.js';
import type { PartContext, PartOutcome } from './part.js';
import { PARTS } from './parts/index.js';
import { RESULT_FILES, writeResults } from './results.js';
import { runPart } from './run-part.js';

/** After this long no further part is begun. */
const LIMIT_MS = 20 * 60_000;

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'results' },
    adapter: { type: 'string' },
    parts: { type: 'string' },
    smoke: { type: 'boolean', default: false },
    part: { type: 'string' },
    result: { type: 'string' },
  },
});

/** In the process of a part: leaves a result, or why there is none. */
async function runHere(name: string, file: string, context: PartContext): Promise<void> {
  try {
    writeFileSync(file, JSON.stringify(await PARTS[name]!(context)));
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    writeFileSync(file, JSON.stringify({ reason }));
    process.exitCode = 1;
  }
}

function chosenParts(list: string | undefined): string[] {
  if (list === undefined) return Object.keys(PARTS);
  const names = ['adapter', ...list.split(',').filter((name) => name !== 'adapter')];
  const unknown = names.find((name) => !Object.hasOwn(PARTS, name));
  if (unknown === undefined) return names;
  throw new TypeError(`--parts: expected some of ${Object.keys(PARTS).join(', ')}, received ${unknown}`);
}

async function outcomeOf(name: string, context: PartContext, startMs: number): Promise<PartOutcome> {
  if (performance.now() - startMs > LIMIT_MS)
    return { outcome: 'skipped', reason: `the parts before it took ${LIMIT_MS / 60_000} minutes` };
  return await runPart(fileURLToPath(import.meta.url), name, context);
}

/** Runs the parts one after the other. Whether all have measured something. */
async function runAll(names: readonly string[], context: PartContext): Promise<boolean> {
  const startMs = performance.now();
  const parts: Record<string, PartOutcome> = {};
  for (const [index, name] of names.entries()) {
    progress(`part ${index + 1} of ${names.length}: ${name}`);
    const outcome = await outcomeOf(name, context, startMs);
    parts[name] = outcome;
    if (outcome.outcome !== 'done') progress(`${name} ${outcome.outcome}: ${outcome.reason}`);
    const tookMs = Math.round(performance.now() - startMs);
    writeResults(context.folder, { format: 1, smoke: context.smoke, tookMs, parts });
    if (name === 'adapter' && outcome.outcome !== 'done') return false;
  }
  return Object.values(parts).every(({ outcome }) => outcome === 'done');
}

const folder = resolve(values.out);
mkdirSync(folder, { recursive: true });
const context: PartContext = { smoke: values.smoke, adapter: values.adapter, folder };
if (values.part !== undefined) {
  await runHere(values.part, values.result!, context);
} else {
  const isComplete = await runAll(chosenParts(values.parts), context);
  console.log(
    `${folder}: ${Object.values(RESULT_FILES)
      .filter((file) => existsSync(join(folder, file)))
      .join(', ')}`,
  );
  if (!isComplete) process.exitCode = 1;
}
