/** The set-up of webgpu killed, interrupted, or beside another one. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeWebGpuSetup } from '../support/fake-webgpu-setup.js';
import { until } from '../support/until.js';

let setup: FakeWebGpuSetup;
beforeEach(() => {
  setup = new FakeWebGpuSetup();
  setup.adapters = ['swiftshader'];
});
afterEach(() => setup.close());

/** All that is called for, where the system has no adapter and is not root's. */
const CALLS = ['pack dawn', 'pack kernels', 'look', 'pack swiftshader', 'look'];
const STAGES = [...new Set(CALLS)];

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const reached = (stage: string) => until(() => setup.reached() !== undefined, `${stage} was reached`);

describe('a set-up of webgpu', () => {
  it.each(STAGES)('that is killed during %s goes on from there when it is run again', async (stage) => {
    setup.variables['FAKE_HANG_AT'] = stage;
    const { child, ended } = setup.start();
    await reached(stage);
    child.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');
    process.kill(setup.reached()!, 'SIGKILL');
    expect(setup.list('staging')).not.toEqual([]);
    rmSync(join(setup.folder, 'calls'));
    delete setup.variables['FAKE_HANG_AT'];

    expect((await setup.run()).isNew).toBe(true);
    expect(setup.found()?.driverFiles).toContain(setup.cache);
    const kept = CALLS.slice(0, CALLS.indexOf(stage)).filter((call) => call !== 'look');
    expect(setup.calls()).toEqual(CALLS.filter((call) => !kept.includes(call)));
    expect(setup.list('staging')).toEqual([]);
    expect(setup.list('.')).not.toContain('lock');
  });

  it.each([...STAGES, 'apt update', 'apt download'])(
    'that is interrupted during %s ends the program it waits for and cleans up',
    async (stage) => {
      if (stage.startsWith('apt')) setup.machine = { ...setup.machine, isRoot: true };
      setup.variables['FAKE_HANG_AT'] = stage;
      const controller = new AbortController();
      const outcome = setup.run(undefined, controller.signal).catch((reason: unknown) => reason);
      await reached(stage);
      controller.abort('stop');
      expect(await outcome).toBe('stop');
      await until(() => !isAlive(setup.reached()!), 'the program has ended');
      expect([setup.list('staging'), setup.list('.').includes('lock')]).toEqual([[], false]);
      delete setup.variables['FAKE_HANG_AT'];
      expect((await setup.run()).isNew).toBe(true);
    },
  );

  it('lets an installation of packages end before it stops', async () => {
    setup.machine = { ...setup.machine, isRoot: true };
    setup.variables['FAKE_HANG_AT'] = 'apt install';
    const controller = new AbortController();
    const outcome = setup.run(undefined, controller.signal).catch((reason: unknown) => reason);
    await reached('apt install');
    controller.abort('stop');
    expect(isAlive(setup.reached()!)).toBe(true);
    process.kill(setup.reached()!, 'SIGTERM');
    expect(await outcome).toBe('stop');
  });

  it('ends with 130 when it is interrupted from the terminal', async () => {
    setup.variables['FAKE_HANG_AT'] = 'pack webgpu';
    const { child, ended } = setup.startCommand();
    await reached('pack webgpu');
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(setup.list('staging')).toEqual([]);
  });

  it('does its work once where two run at once', async () => {
    const running = [setup.start(), setup.start()];
    expect(await Promise.all(running.map(({ ended }) => ended))).toEqual([0, 0]);
    expect(setup.calls().filter((stage) => stage.startsWith('pack'))).toEqual([
      'pack dawn',
      'pack kernels',
      'pack swiftshader',
    ]);
    expect(setup.list('staging')).toEqual([]);
  });
});
