/** Loads a fresh addon in a process of its own and has TensorFlow compute something with it. */
import { fileURLToPath } from 'node:url';
import { curfewError } from '../../scheduler/errors.js';
import { runTool } from './run-tool.js';
import type { Workplace } from './workplace.js';

/** What `load-program.ts` prints, as JSON. */
export interface LoadedAddon {
  readonly version: string;
  readonly usesGpu: boolean;
  /** `[[1, 2], [3, 4]]` squared. */
  readonly product: readonly number[];
}

/** What TensorFlow is on this machine. */
export interface Loaded {
  readonly tensorflowVersion: string;
  readonly devices: readonly string[];
}

const PROGRAM = fileURLToPath(new URL('./load-program.js', import.meta.url));

/** GPUs as TensorFlow's log names them: `… device:GPU:0 with 79000 MB memory:  -> device: 0, name: NVIDIA …, pci bus …`. */
function gpusOf(log: string): string[] {
  const lines = log.matchAll(/device:(GPU:\d+) with (\d+) MB memory:.*?name: ([^,\n]+)/g);
  return [...lines].map(([, device, megabytes, name]) => `${device} (${name}, ${megabytes} MB)`);
}

/** Lines in which TensorFlow says why it uses no GPU. */
function reasonsOf(log: string): string[] {
  const lines = log.split('\n').filter((line) => /gpu|cuda|driver|dlopen/i.test(line));
  return lines.slice(0, 6).map((line) => `  ${line.trim()}`);
}

/** @throws SETUP_FAILED when it cannot be loaded or computes something else */
export async function testAddon(
  addon: string,
  wantsGpu: boolean,
  { environment, signal, report, loadProgram = PROGRAM }: Workplace,
): Promise<Loaded> {
  report('Loading TensorFlow');
  const { stdout, stderr } = await runTool('loading the addon', [process.execPath, loadProgram, addon], {
    signal,
    environment: { ...environment, TF_CPP_MIN_LOG_LEVEL: '0' },
    advice: 'Does the library belong to this machine? TensorFlow needs a processor with AVX',
  });
  const { version, usesGpu, product } = JSON.parse(stdout) as LoadedAddon;
  if (`${product}` !== '7,10,15,22') {
    throw curfewError('SETUP_FAILED', `a product of matrices: expected 7,10,15,22, received ${product}`);
  }
  if (wantsGpu && !usesGpu) {
    report(
      ['TensorFlow uses no GPU here and computes on the CPU. Its log:', ...reasonsOf(stderr)].join('\n'),
    );
  }
  return { tensorflowVersion: version, devices: ['CPU:0', ...gpusOf(stderr)] };
}
