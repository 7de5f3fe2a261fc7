/** The command `curfew setup`. */
import { resolve } from 'node:path';
import { cacheFolder } from '../../kernels/cache-folder.js';
import { DAWN, webGpuFolder } from '../../kernels/webgpu/installation.js';
import { createSystemClock } from '../../scheduler/clock.js';
import { CurfewError } from '../../scheduler/errors.js';
import { readCall, type SetupCall } from './call.js';
import { PINS } from './pins.js';
import { thisMachine } from './platform.js';
import type { Report } from './progress.js';
import { type SetupResult, setUpTensorflow } from './tensorflow.js';
import { setUpWebGpu, type WebGpuSetupResult } from './webgpu.js';
import { WEBGPU_PINS } from './webgpu-pins.js';
import { thisWebGpuMachine } from './webgpu-task.js';

/** How to call it. */
export const USAGE = `curfew setup tensorflow         makes the device tensorflow ready: for an NVIDIA GPU where its driver is present,
                                for the CPU otherwise
curfew setup tensorflow --cpu | --gpu
                                from the wheel tensorflow-cpu, or from tensorflow with the libraries of CUDA
curfew setup tensorflow --library DIR
                                with TensorFlow's library and headers (include/) in DIR
curfew setup webgpu             makes the device webgpu ready: with the system's Vulkan drivers where they have an adapter,
                                with one that computes on the CPU otherwise
curfew setup webgpu --driver lavapipe | swiftshader
                                with Mesa's, which root installs on Debian and Ubuntu, or with one in the cache
curfew setup --help             this text

Needs Linux with glibc; for tensorflow Python, a C++ compiler and make. pip and npm download. Everything but Debian's packages lies
in $CURFEW_CACHE, by default in ~/.cache/curfew. Once done it does nothing; it may be interrupted and run again. Ends with 0,
with 1 when the set-up fails, and with 2 when the call is wrong.`;

/** How a command ended: what goes to stdout and stderr, and the exit code. */
export interface SetupCommandResult {
  readonly output: string;
  readonly error: string;
  readonly exitCode: number;
}

/** Exit codes of programs that a signal ended. SIGHUP: their terminal was closed. */
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

function describeTensorflow({ installation, isNew }: SetupResult): string {
  const { tensorflowVersion, variant, devices, folder } = installation;
  const state = isNew ? 'is ready' : 'was ready before';
  return `TensorFlow ${tensorflowVersion} (${variant}) ${state}: ${devices.join(', ')}\nin ${folder}`;
}

function describeWebGpu({ record, isNew }: WebGpuSetupResult, cache: string): string {
  const { vendor, architecture, description, isSoftware } = record.adapter;
  const state = isNew ? 'is ready' : 'was ready before';
  const where = isSoftware ? 'computes on the CPU' : `a GPU, ${vendor} ${architecture}`.trimEnd();
  return `WebGPU (Dawn ${DAWN.version}) ${state}: ${description} (${where})\nin ${webGpuFolder(cache)}`;
}

/** Aborted by the signals that interrupt a program, with their name. */
function interruption(): { readonly signal: AbortSignal; readonly stop: () => void } {
  const controller = new AbortController();
  const names = Object.keys(SIGNAL_CODES) as (keyof typeof SIGNAL_CODES)[];
  const listeners = names.map((name) => [name, () => controller.abort(name)] as const);
  for (const [name, listener] of listeners) process.on(name, listener);
  const stop = () => {
    for (const [name, listener] of listeners) process.off(name, listener);
  };
  return { signal: controller.signal, stop };
}

/** Sets the device up; gives what to say of it. */
async function setUp(call: SetupCall, signal: AbortSignal, report: Report): Promise<string> {
  const cache = resolve(cacheFolder());
  const given = { cache, environment: process.env, clock: createSystemClock(), signal, report };
  if (call.device === 'webgpu') {
    const { driver } = call;
    const machine = thisWebGpuMachine();
    return describeWebGpu(await setUpWebGpu({ ...given, driver, pins: WEBGPU_PINS, machine }), cache);
  }
  const { source } = call;
  return describeTensorflow(await setUpTensorflow({ ...given, source, pins: PINS, machine: thisMachine() }));
}

/** Runs the command; `report` is given what goes on meanwhile. */
export async function setupCommand(args: readonly string[], report: Report): Promise<SetupCommandResult> {
  const call = readCall(args);
  if (call === 'help') return { output: USAGE, error: '', exitCode: 0 };
  if ('mistake' in call) return { output: '', error: `${call.mistake}\n\n${USAGE}`, exitCode: 2 };
  // Nothing that is made may be for others to write: the device would refuse to load it.
  process.umask(process.umask() | 0o002);
  const { signal, stop } = interruption();
  try {
    return { output: await setUp(call, signal, report), error: '', exitCode: 0 };
  } catch (error) {
    if (signal.aborted) {
      const exitCode = SIGNAL_CODES[signal.reason as keyof typeof SIGNAL_CODES];
      return { output: '', error: 'Interrupted. The next set-up goes on from here.', exitCode };
    }
    if (!(error instanceof CurfewError)) throw error;
    return { output: '', error: `${error.code}: ${error.message}`, exitCode: 1 };
  } finally {
    stop();
  }
}
