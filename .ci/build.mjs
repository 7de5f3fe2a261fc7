/**
 * Builds dist/: compiles into a folder beside it, then moves in what differs and removes what no source stands behind any
 * more. Whoever uses dist/ meanwhile, such as a test run, sees whole files only, and those that are the same untouched; when
 * compiling fails, dist/ stays as it was.
 *
 * Usage: node .ci/build.mjs [folder, default dist]
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

const root = dirname(import.meta.dirname);
const target = resolve(root, process.argv[2] ?? 'dist');
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));

/** Files and folders below `folder`, by relative path, a folder before what is in it. */
function list(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = (wanted) =>
    entries.filter(wanted).map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
  return { files: paths((entry) => !entry.isDirectory()), folders: paths((entry) => entry.isDirectory()) };
}

function isSame(one, other) {
  try {
    return readFileSync(one).equals(readFileSync(other));
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

function compile(folder) {
  const args = [join(typescript, 'bin/tsc'), '-p', join(root, 'tsconfig.build.json'), '--outDir', folder];
  const { status, error } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (error !== undefined) throw error;
  return status ?? 1;
}

function moveIn(staging) {
  const made = new Set(list(staging).files);
  for (const file of made) {
    if (isSame(join(staging, file), join(target, file))) continue;
    mkdirSync(dirname(join(target, file)), { recursive: true });
    renameSync(join(staging, file), join(target, file));
  }
  const { files, folders } = list(target);
  for (const file of files) if (!made.has(file)) rmSync(join(target, file), { force: true });
  for (const folder of folders.reverse()) {
    if (readdirSync(join(target, folder)).length === 0) rmdirSync(join(target, folder));
  }
}

mkdirSync(target, { recursive: true });
const staging = mkdtempSync(`${target}.`);
try {
  process.exitCode = compile(staging);
  if (process.exitCode === 0) moveIn(staging);
} finally {
  rmSync(staging, { recursive: true, force: true });
}
