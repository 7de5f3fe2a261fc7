/** Sets TensorFlow up: library from a wheel or the user, addon compiled against it, tried, and noted as the current one. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  currentFile,
  findInstallation,
  type Installation,
  type InstallationRecord,
  RECORD_FILE,
  readInstallation,
} from '../../kernels/tensorflow/installation.js';
import { curfewError } from '../../scheduler/errors.js';
import { makeAddon } from './addon.js';
import { announce } from './announce.js';
import { inWorkplace } from './in-workplace.js';
import { findLibrary } from './library.js';
import { testAddon } from './load-test.js';
import { checkMachine } from './platform.js';
import { giveName, replaceFile } from './staging.js';
import { planTask, type SetupOptions, type Task } from './task.js';
import { findTools } from './tools.js';
import { downloadsFolder, unpackWheels } from './wheels.js';
import type { Workplace } from './workplace.js';

/** How a set-up ended. */
export interface SetupResult {
  readonly installation: Installation;
  /** False where everything was in its place before. */
  readonly isNew: boolean;
}

async function makeInstallation(task: Task, options: SetupOptions, workplace: Workplace): Promise<void> {
  const { variant, wheels, libraryFolder, installation } = task;
  const tools = await findTools(wheels.length > 0, workplace.environment, workplace.signal);
  const workshop = { ...workplace, ...tools };
  await announce(task, options);
  await unpackWheels(wheels, libraryFolder, downloadsFolder(options.cache), workshop);
  const library = findLibrary(libraryFolder);
  const folder = await workshop.makeFolder();
  const addon = await makeAddon(options.pins.package, library, folder, workshop);
  const loaded = await testAddon(addon, variant === 'gpu', workshop);
  const record: InstallationRecord = {
    variant,
    ...loaded,
    libraryFolder: library.folder,
    libraries: library.files,
  };
  await writeFile(join(folder, RECORD_FILE), JSON.stringify(record, undefined, 2));
  await giveName(folder, installation);
}

function checkCache(cache: string): void {
  if (!/[\s$'"\\]/.test(cache)) return;
  const hint = 'make cannot build there; CURFEW_CACHE may name another folder';
  throw curfewError(
    'SETUP_FAILED',
    `cache folder: expected a path without spaces and quotes, received ${cache}; ${hint}`,
  );
}

/**
 * Sets TensorFlow up in the cache, and makes it the one that devices load. Does nothing that is done already. It may be
 * interrupted at any time, also by killing the process: what is complete is kept, the rest is removed by the next set-up.
 *
 * @throws SETUP_FAILED; the signal's reason
 */
export async function setUpTensorflow(options: SetupOptions): Promise<SetupResult> {
  const { source, cache, machine } = options;
  checkMachine(machine, source.kind === 'library');
  checkCache(cache);
  const task = planTask(options);
  const ready = () => readInstallation(task.installation);
  const before = ready();
  const current = findInstallation(undefined, { CURFEW_CACHE: cache });
  if (before !== undefined && current?.folder === before.folder)
    return { installation: before, isNew: false };
  if (source.kind === 'library') findLibrary(task.libraryFolder);
  return inWorkplace('tensorflow', options, async (workplace) => {
    if (ready() === undefined) await makeInstallation(task, options, workplace);
    await replaceFile(currentFile(cache), task.name, workplace);
    return { installation: ready()!, isNew: true };
  });
}
