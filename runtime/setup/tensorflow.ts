/** Sets TensorFlow up: library from a wheel or the user, addon compiled against it, tried, and noted as the current one. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  currentFile,
  findInstallation,
  type Installation,
  type InstallationRecord,
  installationsFolder,
  type LibraryVariant,
  RECORD_FILE,
  readInstallation,
} from '../../kernels/tensorflow/installation.js';
import type { Clock } from '../../scheduler/clock.js';
import { curfewError } from '../../scheduler/errors.js';
import { makeAddon } from './addon.js';
import { findLibrary } from './library.js';
import { testAddon } from './load-test.js';
import { takeLock } from './lock.js';
import type { Pins, Wheel } from './pins.js';
import { checkMachine, type Machine } from './platform.js';
import { type Report, showSize } from './progress.js';
import { makeStaging, removeLeftovers } from './staging.js';
import { findTools } from './tools.js';
import { missingWheels, unpackWheels } from './wheels.js';
import type { Workshop } from './workshop.js';

/** Where the library comes from: a wheel, the wheel that suits the machine, or a folder. */
export type LibrarySource = { readonly kind: 'cpu' | 'gpu' | 'automatic' } | LibraryFolder;

interface LibraryFolder {
  readonly kind: 'library';
  readonly folder: string;
}

export interface SetupOptions {
  readonly source: LibrarySource;
  /** Where everything is kept; it may be shared by versions of Curfew and by checkouts. */
  readonly cache: string;
  readonly pins: Pins;
  readonly machine: Machine;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Is given what goes on, in lines. */
  readonly report: Report;
  /** See `Workshop`. */
  readonly loadProgram?: string;
}

/** What is to be set up, and where. */
interface Task {
  readonly variant: LibraryVariant;
  /** None for a library of the user's. */
  readonly wheels: readonly Wheel[];
  /** Where the library lies, or is unpacked to. */
  readonly libraryFolder: string;
  /** Of the installation. */
  readonly name: string;
  readonly installation: string;
}

/** How a set-up ended. */
export interface SetupResult {
  readonly installation: Installation;
  /** False where everything was in its place before. */
  readonly isNew: boolean;
}

/** Addon and package, with a margin. */
const INSTALLATION_BYTES = 5e6;

/** Of wheels that are whole but not unpacked yet. */
const downloadsFolder = (cache: string): string => join(cache, 'tensorflow', 'downloads');

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 10);

function planTask({ source, cache, pins, machine }: SetupOptions): Task {
  const task = (variant: LibraryVariant, name: string, libraryFolder: string, wheels: readonly Wheel[]) => ({
    variant,
    wheels,
    libraryFolder,
    name,
    installation: join(installationsFolder(cache), name),
  });
  if (source.kind === 'library') {
    const folder = resolve(source.folder);
    return task('library', `library-${shortHash(folder)}`, folder, []);
  }
  const automatic = machine.hasNvidiaDriver ? 'gpu' : 'cpu';
  const variant = source.kind === 'automatic' ? automatic : source.kind;
  const wheels = pins.wheels[variant];
  const name = `${pins.tensorflowVersion}-${variant}-${shortHash(wheels.map(({ sha256 }) => sha256).join())}`;
  return task(variant, name, join(cache, 'tensorflow', 'libraries', name), wheels);
}

/** Says what is going to be downloaded and how much room it takes. @throws SETUP_FAILED where there is less */
async function announce({ wheels, libraryFolder, variant }: Task, options: SetupOptions): Promise<void> {
  const { cache, report } = options;
  const missing = missingWheels(wheels, libraryFolder);
  const sum = (sizeOf: (wheel: Wheel) => number) =>
    missing.reduce((total, wheel) => total + sizeOf(wheel), 0);
  const unpacked = sum(({ unpackedBytes }) => unpackedBytes) + INSTALLATION_BYTES;
  // A wheel is removed once it is unpacked, so one lies beside what is unpacked at most.
  const needed = unpacked + Math.max(0, ...missing.map(({ bytes }) => bytes));
  report(`TensorFlow (${variant}) in ${cache}`);
  const downloads = downloadsFolder(cache);
  const downloaded = sum(({ file, bytes }) => (existsSync(join(downloads, file)) ? 0 : bytes));
  report(
    `Downloads ${downloaded === 0 ? 'under 1 MB' : showSize(downloaded)}, takes ${showSize(unpacked)} of disk (${showSize(needed)} meanwhile)`,
  );
  await mkdir(cache, { recursive: true });
  const { bavail, bsize } = await statfs(cache);
  if (bavail * bsize >= needed) return;
  throw curfewError(
    'SETUP_FAILED',
    `room in ${cache}: expected ${showSize(needed)}, received ${showSize(bavail * bsize)}; CURFEW_CACHE may name another folder`,
  );
}

/** Writes a file that is there whole or not at all. */
async function replaceFile(file: string, text: string, workshop: Workshop): Promise<void> {
  const draft = join(await workshop.makeFolder(), 'draft');
  await writeFile(draft, text);
  await mkdir(dirname(file), { recursive: true });
  await rename(draft, file);
}

async function makeInstallation(task: Task, options: SetupOptions, workshop: Workshop): Promise<void> {
  const { variant, wheels, libraryFolder, installation } = task;
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

/** Runs `work` with the lock and a workshop, and takes both away whatever happens. */
async function inWorkshop<Result>(
  options: SetupOptions,
  needsPip: boolean,
  work: (workshop: Workshop) => Promise<Result>,
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
    const tools = await findTools(needsPip, environment, signal);
    return await work({ ...tools, clock, signal, report, environment, loadProgram, makeFolder });
  } finally {
    for (const folder of made) await rm(folder, { recursive: true, force: true });
    await release();
  }
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
  if (/[\s$'"\\]/.test(cache)) {
    const hint = 'make cannot build there; CURFEW_CACHE may name another folder';
    throw curfewError(
      'SETUP_FAILED',
      `cache folder: expected a path without spaces and quotes, received ${cache}; ${hint}`,
    );
  }
  const task = planTask(options);
  const ready = () => readInstallation(task.installation);
  const before = ready();
  const environment = { CURFEW_CACHE: cache };
  if (before !== undefined && findInstallation(undefined, environment)?.folder === before.folder) {
    return { installation: before, isNew: false };
  }
  if (source.kind === 'library') findLibrary(task.libraryFolder);
  return inWorkshop(options, task.wheels.length > 0, async (workshop) => {
    if (ready() === undefined) {
      await announce(task, options);
      await makeInstallation(task, options, workshop);
    }
    await replaceFile(currentFile(cache), task.name, workshop);
    return { installation: ready()!, isNew: true };
  });
}
