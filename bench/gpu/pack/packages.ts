/** The packages that the bench loads, with the files that Node.js takes of them. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { WebGpuPackage } from '../../../kernels/webgpu/installation.js';

const { resolve } = createRequire(import.meta.url);

/** Of those with builds for browsers, bundlers and types, so many times the size of what Node.js loads. */
const MAIN_FILE_ONLY = [
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-backend-cpu',
  '@tensorflow/tfjs-backend-wasm',
  '@tensorflow/tfjs-layers',
];
/** With what they depend on. */
const WHOLE = [
  ...['p-queue', 'p-timeout', 'eventemitter3', 'abort-controller-x'],
  ...['@bufbuild/protobuf', 'pngjs', 'long', 'seedrandom'],
];

interface Description {
  readonly main: string;
}

/** The nearest folder above a package's entry that describes the package: not all of them export their description. */
function folderOf(name: string): string {
  let folder = dirname(resolve(name));
  while (!existsSync(join(folder, 'package.json')) || !folder.endsWith(join('node_modules', name)))
    folder = dirname(folder);
  return folder;
}

function copyLicense(from: string, to: string): void {
  for (const file of readdirSync(from))
    if (/^licen[cs]e/i.test(file)) cpSync(join(from, file), join(to, file));
}

function copyMain(name: string, modules: string): void {
  const [from, to] = [folderOf(name), join(modules, name)];
  const { main } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as Description;
  mkdirSync(join(to, dirname(main)), { recursive: true });
  for (const file of ['package.json', main]) cpSync(join(from, file), join(to, file));
  copyLicense(from, to);
}

/** What runs: no types, no maps, no sources. */
function isNeeded(path: string): boolean {
  return !/\.(?:map|md|d\.[cm]?ts|[cm]?ts)$|\.min\.js$|\/(?:test|examples|coverage)$/.test(path);
}

function copyWhole(name: string, modules: string): void {
  cpSync(folderOf(name), join(modules, name), { recursive: true, filter: isNeeded, dereference: true });
}

/** A package of which there may be only the one file that the device needs. */
export function writePackage(
  { name, version, file }: WebGpuPackage,
  source: string,
  modules: string,
): string {
  const folder = join(modules, name);
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version }));
  cpSync(source, join(folder, file));
  return join(folder, file);
}

/** Copies all of them into a `node_modules`. */
export function copyPackages(modules: string): void {
  for (const name of MAIN_FILE_ONLY) copyMain(name, modules);
  for (const name of WHOLE) copyWhole(name, modules);
}
