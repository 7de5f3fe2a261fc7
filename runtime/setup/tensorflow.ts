/** Sets TensorFlow up: library from a wheel or the user, addon compiled against it, tried, and noted as the current one. */
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  currentFile,
  findInstallation,
  type Installation,
  type InstallationRecord,
  isTrusted,
  RECORD_FILE,
  readInstallation,
} from '../../kernels/tensorflow/installation.js';
import { curfewError } from '../../scheduler/errors.js';
import { makeAddon } from './addon.js';
import { announce } from './announce.js';
import { findLibrary } from './library.js';
import { testAddon } from './load-test.js';
import { takeLock } from './lock.js';
import { checkMachine } from './platform.js';
import { makeStaging, removeLeftovers } from './staging.js';
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

/** Writes a file that is there whole or not at all. */
async function replaceFile(file: string, text: string, { makeFolder }: Workplace): Promise<void> {
  const draft = join(await makeFolder(), 'draft');
  await writeFile(draft, text);
  await mkdir(dirname(file), { recursive: true });
  await rename(draft, file);
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
  // One that is there does not fit its library any more.
  await rm(installation, { recursive: true, force: true });
  await mkdir(dirname(installation), { recursive: true });
  await rename(folder, installation);
}

/** Runs `work` with the lock, and removes both the lock and whatever folders were made, whatever happens. */
async function withLock<Result>(
  options: SetupOptions,
  work: (workplace: Workplace) => Promise<Result>,
): Promise<Result> {
  const { cache, clock, signal, report, environment, loadProgram } = options;
  const stagings = join(cache, 'tensorflow', 'staging');
  const onWait = (holder: string) => report(`Waiting for another set-up to end (process ${holder})`);
  const release = await takeLock(join(cache, 'tensorflow', 'lock'), { stagings, clock, signal, onWait });
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

function checkCache(cache: string): void {
  if (!/[\s$'"\\]/.test(cache)) return;
  const hint = 'make cannot build there; CURFEW_CACHE may name another folder';
  throw curfewError(
    'SETUP_FAILED',
    `cache folder: expected a path without spaces and quotes, received ${cache}; ${hint}`,
  );
}

/** Makes the cache, or looks whose it is. */
async function makeCache(cache: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  if (isTrusted(cache)) return;
  const { uid, mode } = await stat(cache);
  const received = `${cache} of user ${uid} with mode ${(mode & 0o777).toString(8)}`;
  throw curfewError(
    'SETUP_FAILED',
    `cache folder: expected one that is yours or root's and that others cannot write, received ${received}`,
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
  try {
    await makeCache(cache);
    return await withLock(options, async (workplace) => {
      if (ready() === undefined) await makeInstallation(task, options, workplace);
      await replaceFile(currentFile(cache), task.name, workplace);
      return { installation: ready()!, isNew: true };
    });
  } catch (error) {
    throw asSetupError(error);
  }
}
