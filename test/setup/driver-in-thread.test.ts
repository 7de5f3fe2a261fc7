/** Engines in worker threads of the caller's, whose environment is a copy, with a driver of the set-up's. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUILT } from '../support/fake-machine.js';
import { FakeWebGpuSetup } from '../support/fake-webgpu-setup.js';

/** Tells how createEngine() rejected: the addon of the set-up is none, so it always does. */
const PROGRAM = `
  import { parentPort } from 'node:worker_threads';
  const { createEngine } = await import('${BUILT}runtime/index.js');
  const { code, message } = await createEngine({ device: 'webgpu' }).catch((error) => error);
  parentPort.postMessage({ code, message, left: process.env.VK_DRIVER_FILES });
`;

let setup: FakeWebGpuSetup;
beforeEach(() => {
  setup = new FakeWebGpuSetup();
});
afterEach(() => setup.close());

async function createInThread(variables: Readonly<Record<string, string>> = {}) {
  const env = { CURFEW_CACHE: setup.cache, ...variables };
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(PROGRAM)}`), { env });
  const [answer] = await once(worker, 'message');
  await worker.terminate();
  return answer as { readonly code: string; readonly message: string; readonly left: string | undefined };
}

/** What is said once the driver is settled. */
const LOADED = / cannot be loaded: /;

describe("createEngine() in a worker thread, where the set-up's driver is to be loaded", () => {
  beforeEach(async () => {
    setup.adapters = ['swiftshader'];
    await setup.run();
  });

  it('rejects, saying with which variable to start the process', async () => {
    const { driverFiles } = setup.found()!;
    const { code, message, left } = await createInThread();
    expect([code, left]).toEqual(['DEVICE_UNAVAILABLE', undefined]);
    expect(message).toContain(
      `a process started with VK_DRIVER_FILES=${driverFiles}, received a worker thread`,
    );
  });

  it('goes on where the variable is there already', async () => {
    const VK_DRIVER_FILES = setup.found()!.driverFiles!;
    const { message, left } = await createInThread({ VK_DRIVER_FILES });
    expect(message).toMatch(LOADED);
    expect(left).toBe(VK_DRIVER_FILES);
  });

  it("goes on where the user has named a driver of the system's", async () => {
    const { message } = await createInThread({ VK_ICD_FILENAMES: '/own.json' });
    expect(message).toMatch(LOADED);
  });
});

describe("createEngine() in a worker thread, where the system's driver is to be loaded", () => {
  it('goes on', async () => {
    setup.adapters = ['system'];
    await setup.run();
    expect((await createInThread()).message).toMatch(LOADED);
  });
});
