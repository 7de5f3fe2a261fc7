/** The set-up killed, interrupted, or beside another one. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findInstallation } from '../../kernels/tensorflow/installation.js';
import { FakeSetup, PYTHON, STAGES, type Stage } from '../support/fake-setup.js';
import { until } from '../support/until.js';

let setup: FakeSetup;
beforeEach(() => {
  setup = new FakeSetup();
});
afterEach(() => setup.close());

const found = () => findInstallation(undefined, { CURFEW_CACHE: setup.cache });

/** What earlier stages have completed for good when a set-up ends at one. */
const kept = (stage: Stage): readonly Stage[] => {
  if (stage === 'download') return [];
  return stage === 'unpack' ? ['download'] : ['download', 'unpack'];
};

/** Starts a set-up that gets as far as the stage; gives the process of the program that was called for it. */
async function hangAt(stage: Stage) {
  setup.variables['FAKE_HANG_AT'] = stage;
  const running = setup.start();
  await until(() => setup.reached() !== undefined, `${stage} was reached`);
  delete setup.variables['FAKE_HANG_AT'];
  return { ...running, program: setup.reached()! };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.skipIf(PYTHON === undefined)('a set-up that is killed', () => {
  it.each(STAGES)('during %s goes on from there when it is run again', async (stage) => {
    const { child, ended, program } = await hangAt(stage);
    child.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');
    process.kill(program, 'SIGKILL');
    expect(found()).toBeUndefined();
    expect(setup.list('staging')).not.toEqual([]);
    rmSync(join(setup.folder, 'calls'));

    const { installation } = await setup.run();
    expect(installation.tensorflowVersion).toBe('cpu');
    expect(found()).toEqual(installation);
    expect(setup.calls()).toEqual(STAGES.filter((other) => !kept(stage).includes(other)));
    expect(setup.list('staging')).toEqual([]);
    expect(setup.list('downloads')).toEqual([]);
    expect(existsSync(join(setup.cache, 'tensorflow', 'lock'))).toBe(false);
  });
});

describe.skipIf(PYTHON === undefined)('a set-up that is interrupted', () => {
  it.each(STAGES)('during %s ends the program it waits for and cleans up', async (stage) => {
    setup.variables['FAKE_HANG_AT'] = stage;
    const controller = new AbortController();
    const outcome = setup.run({ kind: 'cpu' }, controller.signal).catch((reason: unknown) => reason);
    await until(() => setup.reached() !== undefined, `${stage} was reached`);
    controller.abort('stop');
    expect(await outcome).toBe('stop');
    await until(() => !isAlive(setup.reached()!), 'the program has ended');
    expect(setup.list('staging')).toEqual([]);
    expect(existsSync(join(setup.cache, 'tensorflow', 'lock'))).toBe(false);
    delete setup.variables['FAKE_HANG_AT'];
    expect((await setup.run()).isNew).toBe(true);
  });

  it.skipIf(process.platform !== 'linux').each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('by %s ends its program, cleans up, and ends with %i', async (signal, exitCode) => {
    setup.variables['FAKE_HANG_AT'] = 'pack';
    const { child, ended } = setup.startCommand('--library', setup.makeLibrary('1.0'));
    await until(() => setup.reached() !== undefined, 'the package is fetched');
    child.kill(signal);
    expect(await ended).toBe(exitCode);
    await until(() => !isAlive(setup.reached()!), 'the program has ended');
    expect(setup.list('staging')).toEqual([]);
    expect(existsSync(join(setup.cache, 'tensorflow', 'lock'))).toBe(false);
  });

  it('while it waits for another one stops waiting', async () => {
    const { child, ended, program } = await hangAt('build');
    const controller = new AbortController();
    const outcome = setup.run({ kind: 'cpu' }, controller.signal).catch((reason: unknown) => reason);
    await until(() => setup.lines.length > 0, 'it says that it waits');
    expect(setup.lines[0]).toContain(`Waiting for another set-up to end (process ${child.pid}.`);
    controller.abort('stop');
    expect(await outcome).toBe('stop');
    child.kill('SIGKILL');
    process.kill(program, 'SIGKILL');
    await ended;
  });
});

describe.skipIf(PYTHON === undefined)('two set-ups at once', () => {
  it('do the work once', async () => {
    const running = [setup.start(), setup.start()];
    expect(await Promise.all(running.map(({ ended }) => ended))).toEqual([0, 0]);
    expect(setup.calls()).toEqual([...STAGES]);
    expect(setup.list('staging')).toEqual([]);
  });

  it('wait for one another, but not for one that is dead or whose number went to another process', async () => {
    const lock = join(setup.cache, 'tensorflow', 'lock');
    mkdirSync(join(setup.cache, 'tensorflow'), { recursive: true });
    for (const holder of [`999999999.1.${hostname()}`, `${process.pid}.1.${hostname()}`, 'nonsense']) {
      writeFileSync(lock, holder);
      await setup.run();
      rmSync(join(setup.cache, 'tensorflow', 'installations-1'), { recursive: true });
    }
    expect(existsSync(lock)).toBe(false);
  });

  it('of machines that share a folder wait for each other', async () => {
    const lock = join(setup.cache, 'tensorflow', 'lock');
    mkdirSync(join(setup.cache, 'tensorflow'), { recursive: true });
    writeFileSync(lock, '999999999.1.elsewhere');
    const running = setup.run();
    await until(() => setup.lines.length > 0, 'it says that it waits');
    expect(setup.lines).toEqual(['Waiting for another set-up to end (process 999999999.1.elsewhere)']);
    rmSync(lock);
    expect((await running).isNew).toBe(true);
  });
});
