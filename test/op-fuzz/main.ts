/**
 * `npm run fuzz -- [--cases N] [--seed S] [--device reference|tensorflow|webgpu]`: random calls of ops, N from seed S or from a fresh one, on
 * the wasm device or on another; `--seed` alone replays one. A case that does not end within a minute is a failure, too.
 */
import { parseArgs } from 'node:util';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { createKernelBackend as createReference } from '../../kernels/reference/backend.js';
import { createKernelBackend as createTensorFlow } from '../../kernels/tensorflow/backend.js';
import { createKernelBackend as createWasm } from '../../kernels/wasm/backend.js';
import { createKernelBackend as createWebGpu } from '../../kernels/webgpu/backend.js';
import { yieldToEventLoop } from '../../scheduler/clock.js';
import { type Create, FuzzRun } from './fuzz.js';
import { formatFuzzCase, fuzzCase } from './fuzz-case.js';

const PROGRESS_EVERY = 10_000;
const STALL_MS = 60_000;
const [SEED, FAILED] = [0, 1];

/** Relative; by device, where it is not the usual one. */
const TOLERANCES: Readonly<Partial<Record<Task['device'], number>>> = { webgpu: 1e-3 };
const DEVICES = {
  wasm: createWasm,
  reference: createReference,
  tensorflow: createTensorFlow as Create,
  // Its reads wait, so single nodes can be run on it as on an immediate one.
  webgpu: createWebGpu as unknown as Create,
};

interface Task {
  readonly device: keyof typeof DEVICES;
  readonly first: number;
  readonly count: number;
  /** The seed at hand, and how many have failed. */
  readonly progress: Float64Array;
}

function wholeNumber(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new TypeError(`--${option}: expected a whole number of 0 or more, received ${JSON.stringify(text)}`);
}

async function runCases({ device, first, count, progress }: Task): Promise<void> {
  const run = new FuzzRun(DEVICES[device], TOLERANCES[device]);
  for (let done = 0; done < count; done++) {
    progress[SEED] = first + done;
    try {
      await run.run(first + done);
    } catch (error) {
      progress[FAILED]!++;
      console.log(error instanceof Error ? `${error.name}: ${error.message}` : error);
    }
    // What devices outside the heap have dropped is freed in turns of the event loop.
    await yieldToEventLoop();
    if ((done + 1) % PROGRESS_EVERY === 0)
      console.log(`${done + 1} of ${count} cases, ${progress[FAILED]} failed`);
  }
  for (const [kind, cases] of [...run.tally].sort(([, a], [, b]) => b - a))
    console.log(`${cases}`.padStart(9), kind);
  run.close();
}

/** Runs the cases on another thread: a kernel that never ends can be seen and named from this one alone. */
function watchCases(device: Task['device'], first: number, count: number): void {
  const progress = new Float64Array(new SharedArrayBuffer(2 * Float64Array.BYTES_PER_ELEMENT));
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { device, first, count, progress } satisfies Task,
  });
  let seen = -1;
  const watch = setInterval(() => {
    if (progress[SEED] === seen) {
      console.log(`${formatFuzzCase(fuzzCase(seen))}: does not end`);
      process.exit(1);
    }
    seen = progress[SEED]!;
  }, STALL_MS);
  worker.on('exit', (code) => {
    clearInterval(watch);
    const failed = progress[FAILED]!;
    console.log(`${count} cases from seed ${first}, ${failed} failed`);
    if (failed > 0 || code !== 0) process.exitCode = 1;
  });
}

if (isMainThread) {
  const { values } = parseArgs({
    options: {
      cases: { type: 'string' },
      seed: { type: 'string' },
      device: { type: 'string', default: 'wasm' },
    },
  });
  if (!Object.hasOwn(DEVICES, values.device))
    throw new TypeError(`--device: expected ${Object.keys(DEVICES).join(', ')}, received ${values.device}`);
  const seed = wholeNumber(values.seed, 'seed');
  const count = wholeNumber(values.cases, 'cases') ?? (seed === undefined ? 10_000 : 1);
  watchCases(values.device as Task['device'], seed ?? Math.floor(Math.random() * 2 ** 31), count);
} else {
  await runCases(workerData as Task);
}
