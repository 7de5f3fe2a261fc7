/**
 * Lets one set-up at a time work in a folder. Two that did all the same would do the same work twice and harm nothing, since
 * whatever they make gets its name when it is complete. So taking over from the dead may be simple.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasEnded, ownIdentity } from '../../kernels/tensorflow/process-identity.js';
import type { Clock } from '../../scheduler/clock.js';
import { curfewError } from '../../scheduler/errors.js';

const LOOK_AGAIN_MS = 500;

export interface LockOptions {
  /** For drafts, on the same disk; see `staging.ts`. */
  readonly stagings: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called once, when another process has the lock. */
  readonly onWait: (holder: string) => void;
}

const isGone = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** The holder; `undefined` where the lock is gone. Whoever waits for one that nobody can read waits forever. */
async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isGone(error)) return undefined;
    const received = (error as Error).message;
    throw curfewError('SETUP_FAILED', `lock: expected a file to read in ${file}, received ${received}`, {
      cause: error,
    });
  }
}

/** The name of a file that the next set-up removes if this process is killed. */
const draftIn = (stagings: string): string => join(stagings, `${ownIdentity()}.${randomUUID()}`);

/** Takes the lock if nobody has it. The file appears with its content. */
async function tryTake(file: string, identity: string, stagings: string): Promise<boolean> {
  const draft = draftIn(stagings);
  await writeFile(draft, identity);
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Removes the lock of a process that has ended. */
async function breakLock(file: string, holder: string, stagings: string): Promise<void> {
  const aside = draftIn(stagings);
  try {
    await rename(file, aside);
  } catch (error) {
    if (isGone(error)) return;
    throw error;
  }
  // Somebody else may have broken it first, and what was moved is the lock of a living one: it goes back.
  if ((await read(aside)) !== holder) await link(aside, file).catch(() => {});
  await rm(aside, { force: true });
}

function pause({ clock, signal }: LockOptions): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.setTimer(LOOK_AGAIN_MS, done, true);
    signal.addEventListener('abort', done);
  });
}

/**
 * Waits for the lock and takes it; what it gives releases it.
 *
 * @throws SETUP_FAILED for a lock that cannot be read; the signal's reason
 */
export async function takeLock(file: string, options: LockOptions): Promise<() => Promise<void>> {
  const identity = ownIdentity();
  const { stagings, signal } = options;
  await mkdir(dirname(file), { recursive: true });
  await mkdir(stagings, { recursive: true });
  let isWaiting = false;
  for (;;) {
    signal.throwIfAborted();
    if (await tryTake(file, identity, stagings)) break;
    const holder = await read(file);
    if (holder !== undefined && hasEnded(holder)) {
      await breakLock(file, holder, stagings);
      continue;
    }
    if (holder !== undefined && !isWaiting) {
      options.onWait(holder);
      isWaiting = true;
    }
    // Also where there is nothing to read: a link that leads nowhere is in the way and looks as if it were gone.
    await pause(options);
  }
  return async () => {
    if ((await read(file)) === identity) await rm(file, { force: true });
  };
}
