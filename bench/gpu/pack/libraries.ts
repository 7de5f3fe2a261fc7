/** Shared libraries that travel along. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** Where Linux distributions keep them, for 64-bit x86. */
const FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/lib/x86_64-linux-gnu', '/usr/lib64', '/lib64', '/usr/lib'];

/** Copies a library under the name that programs ask for. */
export function copyLibrary(name: string, folder: string): void {
  const found = FOLDERS.map((place) => join(place, name)).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`expected ${name} in ${FOLDERS.join(', ')}, found none`);
  mkdirSync(folder, { recursive: true });
  copyFileSync(realpathSync(found), join(folder, name));
}

/** Removes symbols, where the machine can: they are a tenth of a program. */
export function strip(file: string): void {
  try {
    execFileSync('strip', ['--strip-unneeded', file], { stdio: 'ignore' });
  } catch {
    console.error(`· ${file} keeps its symbols: strip is not there, or refuses it`);
  }
}
