/** What is to be set up, and where, as it follows from what the user asks for and from the machine. */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { installationsFolder, type LibraryVariant } from '../../kernels/tensorflow/installation.js';
import type { Clock } from '../../scheduler/clock.js';
import type { Pins, Wheel } from './pins.js';
import type { Machine } from './platform.js';
import type { Report } from './progress.js';

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
  /** See `Workplace`. */
  readonly loadProgram?: string;
}

/** What is to be set up, and where. */
export interface Task {
  readonly variant: LibraryVariant;
  /** None for a library of the user's. */
  readonly wheels: readonly Wheel[];
  /** Where the library lies, or is unpacked to. */
  readonly libraryFolder: string;
  /** Of the installation. */
  readonly name: string;
  readonly installation: string;
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 10);

export function planTask({ source, cache, pins, machine }: SetupOptions): Task {
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
