/** Whether the tests on WebGPU can run here. */
import { fileURLToPath } from 'node:url';
import { findWebGpu } from '../../kernels/webgpu/installation.js';
import { lookForAdapter } from '../../runtime/setup/webgpu-adapter.js';
import { createSystemClock } from '../../scheduler/clock.js';
import { messageOf } from '../../scheduler/quote.js';

/** As built: Node cannot run the source. */
const PROGRAM = fileURLToPath(new URL('../../dist/runtime/setup/webgpu-adapter-program.js', import.meta.url));

/** Has an adapter compute in a process of its own. Why none does, or `undefined`. */
export async function whyNoWebGpu(): Promise<string | undefined> {
  try {
    const found = findWebGpu();
    if (found === undefined) return 'WebGPU is not set up here (npm run setup:webgpu)';
    const { addon, driverFiles } = found;
    const driver = driverFiles === undefined ? null : { addon, driverFiles };
    const look = await lookForAdapter(addon, driver, {
      clock: createSystemClock(),
      signal: new AbortController().signal,
      environment: process.env,
      report: () => undefined,
      loadProgram: PROGRAM,
      makeFolder: () => Promise.reject(new Error('nothing is installed')),
    });
    return 'why' in look ? look.why : undefined;
  } catch (error) {
    return messageOf(error);
  }
}
