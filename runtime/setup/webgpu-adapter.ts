/** Looks for an adapter in a process of its own, since a driver that does not work may end or halt the process that tries it. */
import { fileURLToPath } from 'node:url';
import { describeSearch, type WebGpuAdapter, type WebGpuDriver } from '../../kernels/webgpu/installation.js';
import type { Clock } from '../../scheduler/clock.js';
import { CurfewError, curfewError } from '../../scheduler/errors.js';
import { runTool } from './run-tool.js';
import type { Workplace } from './workplace.js';

/** What `webgpu-adapter-program.ts` prints, as JSON. */
export type AdapterAnswer =
  | { readonly kind: 'unloadable'; readonly message: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'adapter'; readonly adapter: WebGpuAdapter; readonly squares: readonly number[] };

/** An adapter that has computed, or why there is none. */
export type Look = { readonly adapter: WebGpuAdapter } | { readonly why: string };

const PROGRAM = fileURLToPath(new URL('./webgpu-adapter-program.js', import.meta.url));
/** A driver that has compiled and run one small shader by then will not do so any more. */
const LIMIT_MS = 120_000;

/** With this driver instead of what the user has named; for `null` as it is. */
function environmentFor(driver: WebGpuDriver | null, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (driver === null) return environment;
  return { ...environment, VK_ICD_FILENAMES: undefined, VK_DRIVER_FILES: driver.driverFiles };
}

/** Aborted by the signal, or when the time is over. */
function limited(signal: AbortSignal, clock: Clock, limitMs: number) {
  const time = new AbortController();
  const stop = clock.setTimer(limitMs, () => time.abort(), true);
  return { either: AbortSignal.any([signal, time.signal]), time: time.signal, stop };
}

async function ask(
  addon: string,
  driver: WebGpuDriver | null,
  workplace: Workplace,
  limitMs: number,
): Promise<AdapterAnswer | { readonly kind: 'failed'; readonly why: string }> {
  const { environment, signal, clock, loadProgram = PROGRAM } = workplace;
  const { either, time, stop } = limited(signal, clock, limitMs);
  try {
    const { stdout } = await runTool('looking for an adapter', [process.execPath, loadProgram, addon], {
      signal: either,
      environment: environmentFor(driver, environment),
      // Dawn prints on any machine that it lowers limits.
      noise: /^Warning: max\w+ artificially reduced/,
    });
    return JSON.parse(stdout) as AdapterAnswer;
  } catch (error) {
    signal.throwIfAborted();
    if (time.aborted) return { kind: 'failed', why: `no answer within ${limitMs / 1000} s` };
    if (error instanceof CurfewError) return { kind: 'failed', why: error.message };
    throw error;
  } finally {
    stop();
  }
}

/**
 * Looks for an adapter of a driver's and makes it compute.
 *
 * @param addon of Dawn, beside the driver's loader where it has one
 * @param driver with absolute paths; `null`: whatever the system has
 * @param limitMs when to give up; default 120,000
 * @throws SETUP_FAILED when Dawn's addon cannot be loaded, whatever the driver; the signal's reason
 */
export async function lookForAdapter(
  addon: string,
  driver: WebGpuDriver | null,
  workplace: Workplace,
  limitMs = LIMIT_MS,
): Promise<Look> {
  const answer = await ask(addon, driver, workplace, limitMs);
  switch (answer.kind) {
    case 'failed':
      return answer;
    case 'none':
      return { why: `no adapter${driver === null ? describeSearch(workplace.environment) : ''}` };
    case 'unloadable':
      throw curfewError('SETUP_FAILED', `loading Dawn's addon ${addon}: ${answer.message}`);
    case 'adapter': {
      const { adapter, squares } = answer;
      if (`${squares}` === '1,4,9,16') return { adapter };
      return { why: `${adapter.description}: expected the squares 1,4,9,16, received ${squares}` };
    }
  }
}
