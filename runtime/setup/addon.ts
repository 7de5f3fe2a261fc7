/** Makes the addon of `@tensorflow/tfjs-node-gpu` from npm's package, without the package's own install script. */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ADDON_PATH, PACKAGE_PATH } from '../../kernels/tensorflow/installation.js';
import { curfewError } from '../../scheduler/errors.js';
import type { Library } from './library.js';
import { packPackage } from './npm-package.js';
import type { PinnedPackage } from './pins.js';
import { runTool } from './run-tool.js';
import type { Workshop } from './workplace.js';

/** Of Node-API. Every supported version of Node.js has it. */
const NODE_API = '8';

/** Below the package's folder, beside `deps/lib`: the library's own folder. */
const LIBRARY_LINK = join('deps', 'library');

/** Fetches the package and unpacks it below `folder`. */
async function fetchPackage(pinned: PinnedPackage, folder: string, workshop: Workshop): Promise<string> {
  const { python, environment, signal, report } = workshop;
  report(`Fetching ${pinned.requirement}`);
  const file = await packPackage(pinned, workshop);
  const downloads = dirname(file);
  const unpack = [python, '-m', 'tarfile', '--extract', file, downloads] as const;
  await runTool(`unpacking ${pinned.file}`, unpack, { signal, environment });
  const target = join(folder, PACKAGE_PATH);
  await mkdir(dirname(target), { recursive: true });
  await rename(join(downloads, 'package'), target);
  return target;
}

/** Puts library and headers where the package's build looks for them. */
async function linkLibrary({ folder, includeFolder, links }: Library, packageFolder: string): Promise<void> {
  await mkdir(join(packageFolder, 'deps', 'lib'), { recursive: true });
  await symlink(includeFolder, join(packageFolder, 'deps', 'include'));
  await symlink(folder, join(packageFolder, LIBRARY_LINK));
  for (const [name, file] of Object.entries(links)) {
    await symlink(file, join(packageFolder, 'deps', 'lib', name));
  }
}

/** `--nodedir` where headers lie beside the binary: elsewhere node-gyp downloads them, which may be impossible. */
function headersOption(): readonly string[] {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

async function compile(packageFolder: string, workshop: Workshop): Promise<void> {
  const { nodeGyp, python, environment, signal, report } = workshop;
  report('Compiling the addon (10 s to a minute)');
  const given = [
    '--module_name=tfjs_binding',
    `--module_path=${dirname(join(packageFolder, ADDON_PATH))}`,
    `--napi_version=${process.versions.napi}`,
    `--napi_build_version=${NODE_API}`,
    `--python=${python}`,
  ];
  // The loader is to look in the library's own folder, as the library finds those of CUDA by where it lies itself. The
  // dollar sign passes through make and the shell.
  const path = `-Wl,-rpath,\\$$ORIGIN/../../${LIBRARY_LINK}`;
  const flags = environment['LDFLAGS'] === undefined ? path : `${environment['LDFLAGS']} ${path}`;
  await runTool('compiling the addon', [process.execPath, nodeGyp, 'rebuild', ...given, ...headersOption()], {
    signal,
    environment: { ...environment, LDFLAGS: flags },
    cwd: packageFolder,
    noise: /^gyp (?:info|ERR! (?:stack {5}at|stack at|System|command|cwd|node|not ok))/,
    onLine: (line) => {
      if (/^ +(?:CXX|SOLINK)/.test(line)) report(line);
    },
    advice:
      "If headers of Node.js could not be downloaded: use a Node.js with headers (include/node), or set npm's nodedir",
  });
  const addon = join(packageFolder, ADDON_PATH);
  if (!existsSync(addon))
    throw curfewError('SETUP_FAILED', `compiling the addon: expected ${addon}, found none`);
  await rm(join(packageFolder, 'build'), { recursive: true, force: true });
}

/** Fetches, links and compiles below `folder`; gives the path of the addon. */
export async function makeAddon(
  pinned: PinnedPackage,
  library: Library,
  folder: string,
  workshop: Workshop,
): Promise<string> {
  const packageFolder = await fetchPackage(pinned, folder, workshop);
  await linkLibrary(library, packageFolder);
  await compile(packageFolder, workshop);
  return join(packageFolder, ADDON_PATH);
}
