/**
 * Packs the bench into one archive that runs on a bare 64-bit x86 Linux machine with a GPU driver: Node.js itself, Dawn, the Vulkan
 * loader, the built project, and the packages that it loads. Run `npm run pack:gpu -- [FILE]`; by default
 * `.bench/curfew-gpu-linux-x64.tar.gz`.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DAWN, findWebGpu, KERNELS } from '../../../kernels/webgpu/installation.js';
import { copyLibrary, strip } from './libraries.js';
import { copyPackages, writePackage } from './packages.js';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const NAME = 'curfew-gpu';
const MOST_BYTES = 60 * 2 ** 20;
/** Of the build, what the bench loads; its tests lend it their op cases. */
const BUILT = ['runtime', 'scheduler', 'kernels', 'bench', 'test/support'];
const SOURCES = ['bench/demo/spheres.png', 'LICENSE'];

function copyProject(folder: string): void {
  for (const part of BUILT)
    cpSync(join(ROOT, 'dist', part), join(folder, 'dist', part), {
      recursive: true,
      filter: (path) => !path.endsWith('.d.ts'),
    });
  for (const file of SOURCES) cpSync(join(ROOT, file), join(folder, file));
  const { name, version, type, imports } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as Record<string, unknown>;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version, type, imports }, undefined, 2));
  for (const file of ['run.sh', 'README.md']) cpSync(join(ROOT, 'bench/gpu/pack', file), join(folder, file));
  chmodSync(join(folder, 'run.sh'), 0o755);
}

function copyNode(folder: string): void {
  const node = join(folder, 'bin/node');
  cpSync(process.execPath, node);
  chmodSync(node, 0o755);
  strip(node);
}

function copyWebGpu(modules: string): void {
  const installation = findWebGpu();
  if (installation === undefined)
    throw new Error('expected the parts of the webgpu device, found none: run npm run setup:webgpu');
  const addon = writePackage(DAWN, installation.addon, modules);
  strip(addon);
  // Dawn takes the loader beside it.
  copyLibrary('libvulkan.so.1', dirname(addon));
  writePackage(KERNELS, installation.kernels, modules);
}

function pack(file: string): void {
  const workplace = mkdtempSync(join(tmpdir(), 'curfew-pack-'));
  try {
    const folder = join(workplace, NAME);
    const modules = join(folder, 'node_modules');
    mkdirSync(folder);
    copyProject(folder);
    copyNode(folder);
    copyPackages(modules);
    copyWebGpu(modules);
    for (const library of ['libstdc++.so.6', 'libgcc_s.so.1']) copyLibrary(library, join(folder, 'lib'));
    mkdirSync(dirname(file), { recursive: true });
    const options = ['--create', '--owner=0', '--group=0', '--mode=a+rX', '--sort=name', '-I', 'gzip -9'];
    execFileSync('tar', [...options, '--file', file, '--directory', workplace, NAME], { stdio: 'inherit' });
  } finally {
    rmSync(workplace, { recursive: true, force: true });
  }
}

const file = resolve(process.argv[2] ?? join(ROOT, '.bench/curfew-gpu-linux-x64.tar.gz'));
if (process.platform !== 'linux' || process.arch !== 'x64')
  throw new Error(`expected 64-bit x86 Linux, received ${process.platform} ${process.arch}`);
pack(file);
const { size } = statSync(file);
console.log(`${file}: ${(size / 2 ** 20).toFixed(1)} MiB`);
if (size > MOST_BYTES) throw new Error(`expected at most ${MOST_BYTES / 2 ** 20} MiB`);
