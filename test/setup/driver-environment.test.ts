import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withDriver } from '../../kernels/webgpu/driver-environment.js';

const VARIABLE = 'VK_DRIVER_FILES';
const named = () => process.env[VARIABLE];

/** A device that is open at once. */
const open = async () => ({ name: 'device', close: async () => {} });

describe('the variable that names drivers to the Vulkan loader', () => {
  beforeEach(() => {
    for (const name of [VARIABLE, 'VK_ICD_FILENAMES']) vi.stubEnv(name, undefined);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('is there while the device is opened and until it is closed', async () => {
    const seen: unknown[] = [];
    const device = await withDriver('/driver.json', async () => {
      seen.push(named());
      return { ...(await open()), close: async () => void seen.push(named()) };
    });
    expect([device.name, named()]).toEqual(['device', '/driver.json']);
    await device.close();
    expect([seen, named()]).toEqual([['/driver.json', '/driver.json'], undefined]);
  });

  it('stays until the last device is closed, also where one is closed twice', async () => {
    const [first, second] = [await withDriver('/driver.json', open), await withDriver('/driver.json', open)];
    await first.close();
    await first.close();
    expect(named()).toBe('/driver.json');
    await second.close();
    expect(named()).toBeUndefined();
  });

  it('is taken away when a device cannot be opened, or fails to close', async () => {
    const failure = new Error('failure');
    await expect(withDriver('/driver.json', () => Promise.reject(failure))).rejects.toBe(failure);
    expect(named()).toBeUndefined();
    const close = () => Promise.reject(failure);
    const device = await withDriver('/driver.json', async () => ({ close }));
    await expect(device.close()).rejects.toBe(failure);
    expect(named()).toBeUndefined();
  });

  it.each([VARIABLE, 'VK_ICD_FILENAMES'])('is left alone where the user has set %s', async (name) => {
    process.env[name] = '/own.json';
    const device = await withDriver('/driver.json', open);
    expect(named()).toBe(name === VARIABLE ? '/own.json' : undefined);
    await device.close();
    expect(process.env[name]).toBe('/own.json');
  });

  it('is the one that the user has set meanwhile', async () => {
    const device = await withDriver('/driver.json', open);
    process.env[VARIABLE] = '/own.json';
    await device.close();
    expect(named()).toBe('/own.json');
  });

  it("is not set for the system's driver", async () => {
    const device = await withDriver(undefined, open);
    expect(named()).toBeUndefined();
    await device.close();
  });
});
