/** Whether the tests on WebGPU can run here. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../../kernels/cache-folder.js';
import {
  DAWN,
  findInPackage,
  findWebGpu,
  type Resolver,
  readRecord,
} from '../../kernels/webgpu/installation.js';
import { lookForAdapter } from '../../runtime/setup/webgpu-adapter.js';
import { type Clock, createSystemClock } from '../../scheduler/clock.js';
import { messageOf } from '../../scheduler/quote.js';

/** As built: Node cannot run the source. */
const PROGRAM = fileURLToPath(new URL('../../dist/runtime/setup/webgpu-adapter-program.js', import.meta.url));

/** Every test run waits for the answer; a driver that works gives it within a few seconds. */
const LIMIT_MS = 20_000;

/** Where to look, for tests of this. Default: here. */
export interface WebGpuPlace {
  readonly environment?: NodeJS.ProcessEnv;
  readonly resolver?: Resolver;
  readonly program?: string;
  readonly clock?: Clock;
}

/** Has an adapter compute in a process of its own. Why none does, or `undefined`. */
export async function whyNoWebGpu(place: WebGpuPlace = {}): Promise<string | undefined> {
  const { environment = process.env, resolver, program = PROGRAM, clock = createSystemClock() } = place;
  try {
    if (!existsSync(program)) return 'Curfew is not built (npm run build; npm test does it)';
    const found = findWebGpu(environment, resolver);
    // A set-up that has not come to its end leaves files, but no record.
    const isSetUp = readRecord(cacheFolder(environment)) !== undefined;
    const isReady = isSetUp || findInPackage(DAWN, resolver) !== undefined;
    if (found === undefined || !isReady) return 'WebGPU is not set up here (npm run setup:webgpu)';
    const { addon, driverFiles } = found;
    const driver = driverFiles === undefined ? null : { addon, driverFiles };
    const workplace = {
      clock,
      signal: new AbortController().signal,
      environment,
      report: () => undefined,
      loadProgram: program,
      makeFolder: () => Promise.reject(new Error('nothing is installed')),
    };
    const look = await lookForAdapter(addon, driver, workplace, LIMIT_MS);
    return 'why' in look ? look.why : undefined;
  } catch (error) {
    return messageOf(error);
  }
}
