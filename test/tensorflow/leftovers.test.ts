/** Folders of graphs that processes left behind which ended while TensorFlow loaded them. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createKernelBackend } from '../../kernels/tensorflow/backend.js';
import { ownIdentity } from '../../kernels/tensorflow/process-identity.js';
import { backendOptions } from '../support/one-node.js';

/** What the system refuses to remove, as it does for another user's folder in a shared one. */
const FOREIGN = 'Foreign';

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>();
  const remove: typeof rmSync = (path, options) => {
    if (String(path).endsWith(FOREIGN)) throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
    fs.rmSync(path, options);
  };
  return { ...fs, rmSync: remove };
});

/** Greater than any process's number on Linux. */
const NO_PROCESS = 2 ** 22 + 1;

describe('what is left of a process', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'leftovers-'));
    vi.stubEnv('TMPDIR', folder);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  /** Which of the folders are there once a backend has been made. */
  async function remaining(names: readonly string[]): Promise<string[]> {
    for (const name of names) mkdirSync(join(folder, name));
    (await createKernelBackend(backendOptions())).close();
    return names.filter((name) => existsSync(join(folder, name)));
  }

  it('is removed once it has ended, also when another has its number', async () => {
    const recycled = ownIdentity().replace(/\.\d+\./, '.1.');
    const ended = [`curfew-chunk-${NO_PROCESS}.1.${hostname()}.abcdef`, `curfew-chunk-${recycled}.abcdef`];
    expect(await remaining(ended)).toEqual([]);
  });

  it('stays while it may run, here or on a machine that shares the folder', async () => {
    const running = [
      `curfew-chunk-${ownIdentity()}.abcdef`,
      `curfew-chunk-${NO_PROCESS}.1.another-machine.abcdef`,
      'curfew-chunk-of-somebody',
    ];
    expect(await remaining(running)).toEqual(running);
  });

  it('stays where it cannot be removed, and the device is there all the same', async () => {
    const [foreign, own] = [FOREIGN, 'abcdef'].map(
      (end) => `curfew-chunk-${NO_PROCESS}.1.${hostname()}.${end}`,
    );
    expect(await remaining([foreign!, own!])).toEqual([foreign]);
  });
});
