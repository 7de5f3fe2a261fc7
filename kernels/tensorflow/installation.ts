/** Where `curfew setup tensorflow` puts the addon of `@tensorflow/tfjs-node-gpu`, and how the device finds it there. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, type Environment, isTrusted, readText } from '../cache-folder.js';

/** Which build of TensorFlow's library it is: of which wheel, or one that the user named. */
export type LibraryVariant = 'cpu' | 'gpu' | 'library';

/** An addon that is ready to be loaded. Folders and files are absolute paths. */
export interface Installation {
  /** What belongs to it alone; removing it takes the installation away. */
  readonly folder: string;
  /** Root of `@tensorflow/tfjs-node-gpu`: its `dist/` and `package.json`, without dependencies. */
  readonly packageFolder: string;
  /** The compiled addon. One serves every version of Node.js, since it keeps to Node-API. */
  readonly addon: string;
  /** Where TensorFlow's library lies. */
  readonly libraryFolder: string;
  readonly variant: LibraryVariant;
  /** As the library tells it, such as `'2.21.0'`. */
  readonly tensorflowVersion: string;
  /** What TensorFlow found when it was loaded at the end of the set-up, such as `['CPU:0']`. */
  readonly devices: readonly string[];
}

/** A file that the addon was linked against. */
export interface LinkedFile {
  readonly path: string;
  readonly bytes: number;
  /** Whole milliseconds. */
  readonly modifiedMs: number;
}

/** `installation.json`: what the set-up notes when everything else is in its place. */
export interface InstallationRecord {
  readonly variant: LibraryVariant;
  readonly tensorflowVersion: string;
  readonly devices: readonly string[];
  readonly libraryFolder: string;
  /** When one of them is another one meanwhile, the addon has to be built again. */
  readonly libraries: readonly LinkedFile[];
}

export const RECORD_FILE = 'installation.json';
/** In an installation's folder. */
export const PACKAGE_PATH = join('node_modules', '@tensorflow', 'tfjs-node-gpu');
/** In the package's folder, where the package itself looks for it. */
export const ADDON_PATH = join('lib', 'napi-v8', 'tfjs_binding.node');

/** Names the folder of an installation that is to be used instead of the one that was set up last. */
export const FOLDER_VARIABLE = 'CURFEW_TENSORFLOW_DIR';

/** Installations, by name. Its own name changes with how installations are made, so that versions share a cache. */
export const installationsFolder = (cache: string): string => join(cache, 'tensorflow', 'installations-1');

/** Holds the name of the installation that was set up last. */
export const currentFile = (cache: string): string => join(installationsFolder(cache), 'current');

function isUnchanged({ path, bytes, modifiedMs }: LinkedFile): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.size === bytes && Math.trunc(found.mtimeMs) === modifiedMs;
}

/** What a record's text says; `undefined` where it is damaged. */
function parseRecord(text: string): InstallationRecord | undefined {
  try {
    const record = JSON.parse(text) as Partial<InstallationRecord> | null;
    const isWhole = typeof record?.libraryFolder === 'string' && Array.isArray(record.libraries);
    return isWhole ? (record as InstallationRecord) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The installation in a folder; `undefined` where there is none, where its record is damaged, or where what it was linked
 * against has changed.
 */
export function readInstallation(folder: string): Installation | undefined {
  const text = readText(join(folder, RECORD_FILE));
  const record = text === undefined ? undefined : parseRecord(text);
  if (record === undefined) return undefined;
  const { variant, tensorflowVersion, devices, libraryFolder, libraries } = record;
  const packageFolder = join(folder, PACKAGE_PATH);
  const addon = join(packageFolder, ADDON_PATH);
  if (!libraries.every(isUnchanged) || statSync(addon, { throwIfNoEntry: false }) === undefined)
    return undefined;
  return { folder, packageFolder, addon, libraryFolder, variant, tensorflowVersion, devices };
}

/**
 * The installation that the device is to load: the one in `folder` if given, or else in the folder that
 * CURFEW_TENSORFLOW_DIR names, or else the one set up last, unless other users can write to the cache. `undefined` where there
 * is none: then `npm run setup:tensorflow` or `npx curfew setup tensorflow` has to be run, which says what is wrong. Reads a few small files and loads nothing.
 */
export function findInstallation(
  folder?: string,
  environment: Environment = process.env,
): Installation | undefined {
  const named = folder ?? environment[FOLDER_VARIABLE];
  if (named !== undefined && named !== '') return readInstallation(named);
  const cache = cacheFolder(environment);
  if (!isTrusted(cache)) return undefined;
  const current = readText(currentFile(cache))?.trim();
  if (current === undefined || current === '') return undefined;
  return readInstallation(join(installationsFolder(cache), current));
}
