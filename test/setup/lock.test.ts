/** Locks that are not what a set-up leaves. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLock } from '../../runtime/setup/lock.js';
import { rejection } from '../support/catch-error.js';
import { ManualClock } from '../support/manual-clock.js';
import { until } from '../support/until.js';

let folder: string;
let lock: string;
let clock: ManualClock;
let controller: AbortController;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-lock-'));
  lock = join(folder, 'lock');
  clock = new ManualClock();
  controller = new AbortController();
});
afterEach(() => {
  // Whatever a failed test left waiting ends.
  controller.abort();
  rmSync(folder, { recursive: true });
});

const take = () =>
  takeLock(lock, { stagings: join(folder, 'stagings'), clock, signal: controller.signal, onWait: () => {} });

describe('a lock', () => {
  it('that cannot be read ends the set-up instead of making it wait forever', async () => {
    mkdirSync(lock);
    const error = await rejection(take());
    expect(error.code).toBe('SETUP_FAILED');
    expect(error.message).toContain(`lock: expected a file to read in ${lock}, received EISDIR`);
  });

  it('that is a link to nothing is waited for until it is gone', async () => {
    symlinkSync(join(folder, 'nowhere'), lock);
    const taken = take();
    await until(() => clock.timers === 1, 'it waits');
    rmSync(lock);
    clock.advance(1000);
    await (await taken)();
    expect(existsSync(lock)).toBe(false);
  });

  it('that is a link to nothing is waited for until the signal fires', async () => {
    symlinkSync(join(folder, 'nowhere'), lock);
    const outcome = take().catch((reason: unknown) => reason);
    await until(() => clock.timers === 1, 'it waits');
    controller.abort('stop');
    expect(await outcome).toBe('stop');
  });

  it('of a process that has ended is not taken over once the signal has fired', async () => {
    writeFileSync(lock, `999999999.1.${hostname()}`);
    controller.abort('stop');
    expect(await take().catch((reason: unknown) => reason)).toBe('stop');
    expect(existsSync(lock)).toBe(true);
  });
});
