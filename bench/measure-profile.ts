/**
 * Measures a profile of the GPU that is there, for the virtual device: `createEngine({ device: 'virtual', virtual: { profile } })`
 * then simulates it on any machine. See `gpu/profile/measure.ts` for what is measured and how.
 *
 * Expected of a GPU: encoding and submitting some tens of microseconds, a fence as much, the shortest kernel a few microseconds.
 * Of software Vulkan: the same host costs, kernels hundreds of times slower, and figures that depend on what else the
 * machine's cores do, as the device runs on them.
 *
 * Run `npm run measure:profile -- [FILE] [--adapter NAME] [--smoke]`; it prints the profile, and writes it to FILE if one is named.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { withBackend } from './gpu/backend.js';
import { measureProfile } from './gpu/profile/measure.js';
import { printHeading, progress, repetitions } from './harness.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { adapter: { type: 'string' }, smoke: { type: 'boolean' } },
});
const [file] = positionals;
await withBackend(
  async (backend, adapter) => {
    printHeading(
      'What is the virtual device to know of this GPU?',
      'tens of microseconds for a submission and for a fence; see the head of this file.',
      adapter,
    );
    const profile = await measureProfile(backend, adapter, repetitions(100, 5));
    const text = JSON.stringify(profile, undefined, 2);
    console.log(text);
    if (file === undefined) return;
    writeFileSync(file, `${text}\n`);
    progress(`wrote ${file}`);
  },
  { adapter: values.adapter },
);
