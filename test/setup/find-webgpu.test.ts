/** What decides whether a test run has tests on WebGPU. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAWN, KERNELS, recordFile } from '../../kernels/webgpu/installation.js';
import { createSystemClock } from '../../scheduler/clock.js';
import { FakeWebGpuSetup } from '../support/fake-webgpu-setup.js';
import { type WebGpuPlace, whyNoWebGpu } from '../support/find-webgpu.js';

let setup: FakeWebGpuSetup;
beforeEach(() => {
  setup = new FakeWebGpuSetup();
  setup.adapters = ['system'];
});
afterEach(() => setup.close());

function why(place: WebGpuPlace = {}) {
  const { environment, resolver, program, cache } = setup;
  return whyNoWebGpu({ environment: { ...environment, CURFEW_CACHE: cache }, resolver, program, ...place });
}

const looks = () => setup.calls().filter((call) => call === 'look').length;

describe('whyNoWebGpu()', () => {
  it('finds nothing wrong after a set-up', async () => {
    await setup.run();
    expect(await why()).toBeUndefined();
    expect(looks()).toBe(2);
  });

  it('asks for the build where there is none, before anything else', async () => {
    await setup.run();
    expect(await why({ program: join(setup.folder, 'missing.js') })).toMatch(/^Curfew is not built/);
    expect(looks()).toBe(1);
  });

  it('starts no process before the set-up has come to its end', async () => {
    expect(await why()).toMatch(/^WebGPU is not set up here/);
    await setup.run();
    rmSync(recordFile(setup.cache));
    expect(await why()).toMatch(/^WebGPU is not set up here/);
    expect(looks()).toBe(1);
  });

  it("takes the user's packages without a set-up", async () => {
    for (const { name, version, file } of [DAWN, KERNELS]) setup.install(name, version, [file]);
    expect(await why()).toBeUndefined();
  });

  it('gives a driver that does not answer 20 s', async () => {
    await setup.run();
    setup.variables['FAKE_HANG_AT'] = 'look';
    const limits: number[] = [];
    const setTimer = (delayMs: number, callback: () => void) => {
      limits.push(delayMs);
      setImmediate(callback);
      return () => undefined;
    };
    expect(await why({ clock: { ...createSystemClock(), setTimer } })).toBe('no answer within 20 s');
    expect(limits).toEqual([20_000]);
  });
});
