/** The folder in which set-ups keep what they make for devices. */
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** Variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The folder where Curfew keeps what is large, once per machine and user: CURFEW_CACHE, or else `curfew` in
 * XDG_CACHE_HOME, which is `~/.cache` unless set.
 */
export function cacheFolder(environment: Environment = process.env): string {
  const own = environment['CURFEW_CACHE'];
  if (own !== undefined && own !== '') return resolve(own);
  const base = environment['XDG_CACHE_HOME'];
  // The specification has relative paths ignored.
  if (base !== undefined && isAbsolute(base)) return join(base, 'curfew');
  return join(homedir(), '.cache', 'curfew');
}

/**
 * Whether nobody but this user and root decides what lies in the folder: its libraries are loaded as native code. A group may
 * write, since many systems give each user a group of their own. True where there is no folder.
 */
export function isTrusted(folder: string): boolean {
  const found = statSync(folder, { throwIfNoEntry: false });
  const user = process.getuid?.();
  if (found === undefined || user === undefined) return true;
  const isOwn = found.uid === user || found.uid === 0;
  return isOwn && (found.mode & 0o002) === 0;
}

/** The text of a file; `undefined` where none can be read. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
