/** TensorFlow's library as files: in the folder of a wheel, or in one that the user names. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { LinkedFile } from '../../kernels/tensorflow/installation.js';
import { curfewError } from '../../scheduler/errors.js';

/** What the addon is compiled with. Absolute paths. */
export interface Library {
  /** Where the loader finds the files. */
  readonly folder: string;
  /** Holds `tensorflow/c/c_api.h`. */
  readonly includeFolder: string;
  /** By the names that the linker looks for. */
  readonly links: Readonly<Record<'libtensorflow.so' | 'libtensorflow_framework.so', string>>;
  readonly files: readonly LinkedFile[];
}

/** Names of the file with TensorFlow's C interface, best first: of a wheel, and of a release for C. */
const INTERFACE_FILES = [
  'libtensorflow_cc.so.2',
  'libtensorflow.so.2',
  'libtensorflow_cc.so',
  'libtensorflow.so',
];
const FRAMEWORK_FILES = ['libtensorflow_framework.so.2', 'libtensorflow_framework.so'];
const HEADER = 'tensorflow/c/c_api.h';

function firstFile(folders: readonly string[], names: readonly string[]): string | undefined {
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(existsSync);
}

function describe(file: string): LinkedFile {
  const path = realpathSync(file);
  const { size, mtimeMs } = statSync(path);
  return { path, bytes: size, modifiedMs: Math.trunc(mtimeMs) };
}

/**
 * Finds library and headers: as a wheel has them, as a release for C has them (`lib/` and `include/`), or in a Python's
 * `site-packages`.
 *
 * @throws SETUP_FAILED
 */
export function findLibrary(given: string): Library {
  const root = resolve(given);
  const folders = [root, join(root, 'lib'), join(root, 'tensorflow')];
  const main = firstFile(folders, INTERFACE_FILES);
  const framework = firstFile(folders, FRAMEWORK_FILES);
  const header = firstFile(
    folders.map((folder) => join(folder, 'include')),
    [HEADER],
  );
  const expect = (file: string | undefined, what: string): string => {
    if (file !== undefined) return file;
    throw curfewError('SETUP_FAILED', `library in ${given}: expected ${what}, found none`);
  };
  const links = {
    'libtensorflow.so': expect(main, `one of ${INTERFACE_FILES.join(', ')}, also in lib/`),
    'libtensorflow_framework.so': expect(framework, `${FRAMEWORK_FILES[0]} beside it`),
  };
  const includeFolder = join(dirname(expect(header, `include/${HEADER}`)), '..', '..');
  return {
    folder: dirname(links['libtensorflow.so']),
    includeFolder,
    links,
    files: Object.values(links).map(describe),
  };
}
