/** What the user is told where Dawn has no adapter. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openDevice } from '../../kernels/webgpu/dawn.js';
import { rejection } from '../support/catch-error.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-dawn-'));
  for (const name of ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES']) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** An addon that answers with `adapter`, an expression. */
function addonWith(adapter: string): string {
  const file = join(folder, 'dawn.cjs');
  writeFileSync(
    file,
    `exports.globals = {}; exports.create = () => ({ requestAdapter: async () => { return ${adapter}; } });`,
  );
  return file;
}

const message = async (addon: string, adapter?: string) => {
  const error = await rejection(openDevice(addon, { adapter }));
  expect(error.code).toBe('DEVICE_UNAVAILABLE');
  return error.message;
};

const SETUP = '; `npx curfew setup webgpu` says what is there, and installs a software one';
const NONE = "device: 'webgpu': expected a GPU with a Vulkan driver, found none";

describe('where Dawn finds no adapter', () => {
  it.each([undefined, 'RTX'])('openDevice() sends the user to the set-up, asked for %s', async (adapter) => {
    expect(await message(addonWith('null'), adapter)).toBe(NONE + SETUP);
  });

  it.each([
    [{ VK_DRIVER_FILES: '' }, 'VK_DRIVER_FILES=""'],
    [{ VK_ICD_FILENAMES: '/a/driver.json' }, 'VK_ICD_FILENAMES="/a/driver.json"'],
    [{ VK_DRIVER_FILES: '/a', VK_ICD_FILENAMES: '' }, 'VK_DRIVER_FILES="/a", VK_ICD_FILENAMES=""'],
  ])('openDevice() says which drivers the environment names: %o', async (variables, named) => {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    const where = ` among the drivers that the environment names (${named})`;
    const remedy = '; unset the variable, or have it name a driver that works';
    expect(await message(addonWith('null'))).toBe(NONE + where + remedy);
  });

  it('openDevice() gives the names of the others when none is called as asked for', async () => {
    const refusal =
      "no adapter with backend 'vulkan' and name 'RTX' found\nAvailable adapters:\n * name: 'llvmpipe'";
    const addon = addonWith(`Promise.reject(new Error(${JSON.stringify(refusal)}))`);
    expect(await message(addon, 'RTX')).toBe(`device: 'webgpu': ${refusal}`);
  });
});
