/** The command `curfew setup`. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder } from '../../kernels/cache-folder.js';
import type { Installation } from '../../kernels/tensorflow/installation.js';
import { createSystemClock } from '../../scheduler/clock.js';
import { CurfewError, quote } from '../../scheduler/errors.js';
import { PINS } from './pins.js';
import { thisMachine } from './platform.js';
import type { LibrarySource } from './task.js';
import { setUpTensorflow } from './tensorflow.js';

/** How to call it. */
export const USAGE = `curfew setup tensorflow         makes the device tensorflow ready: for an NVIDIA GPU where its driver is present,
                                for the CPU otherwise
curfew setup tensorflow --cpu | --gpu
                                from the wheel tensorflow-cpu, or from tensorflow with the libraries of CUDA
curfew setup tensorflow --library DIR
                                with TensorFlow's library and headers (include/) in DIR
curfew setup --help             this text

Needs Linux with glibc, Python, a C++ compiler and make; pip downloads the wheels. Everything lies in $CURFEW_CACHE, by
default in ~/.cache/curfew. Once done it does nothing; it may be interrupted and run again. Ends with 0, with 1 when the
set-up fails, and with 2 when the call is wrong.`;

/** How a command ended: what goes to stdout and stderr, and the exit code. */
export interface SetupCommandResult {
  readonly output: string;
  readonly error: string;
  readonly exitCode: number;
}

/** Exit codes of programs that a signal ended. SIGHUP: their terminal was closed. */
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** What a call asks for; text for one that is wrong. */
function readCall(args: readonly string[]): LibrarySource | 'help' | { readonly mistake: string } {
  const options = {
    cpu: { type: 'boolean' },
    gpu: { type: 'boolean' },
    library: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    return { mistake: (error as Error).message };
  }
  const { values, positionals } = parsed;
  if (values.help) return 'help';
  const [device, ...rest] = positionals;
  if (device !== 'tensorflow' || rest.length > 0) {
    return { mistake: `expected the device tensorflow, received ${quote(positionals.join(' '))}` };
  }
  const given = (['cpu', 'gpu', 'library'] as const).filter((name) => values[name] !== undefined);
  if (given.length > 1) {
    return { mistake: `expected one of --cpu, --gpu and --library, received --${given.join(' --')}` };
  }
  if (values.library === '') return { mistake: 'expected a folder after --library, received none' };
  if (values.library !== undefined) return { kind: 'library', folder: values.library };
  return { kind: given[0] === undefined ? 'automatic' : (given[0] as 'cpu' | 'gpu') };
}

function describe({ tensorflowVersion, variant, devices, folder }: Installation, isNew: boolean): string {
  const state = isNew ? 'is ready' : 'was ready before';
  return `TensorFlow ${tensorflowVersion} (${variant}) ${state}: ${devices.join(', ')}\nin ${folder}`;
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

/** Runs the command; `report` is given what goes on meanwhile. */
export async function setupCommand(
  args: readonly string[],
  report: (line: string) => void,
): Promise<SetupCommandResult> {
  const call = readCall(args);
  if (call === 'help') return { output: USAGE, error: '', exitCode: 0 };
  if ('mistake' in call) return { output: '', error: `${call.mistake}\n\n${USAGE}`, exitCode: 2 };
  // Nothing that is made may be for others to write: the device would refuse to load it.
  process.umask(process.umask() | 0o002);
  const { signal, stop } = interruption();
  try {
    const { installation, isNew } = await setUpTensorflow({
      source: call,
      cache: resolve(cacheFolder()),
      pins: PINS,
      machine: thisMachine(),
      environment: process.env,
      clock: createSystemClock(),
      signal,
      report,
    });
    return { output: describe(installation, isNew), error: '', exitCode: 0 };
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
