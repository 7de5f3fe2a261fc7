/**
 * Is the event loop free while a graph runs, and does a run need it to be stopped?
 *
 * Expected: Curfew's kernels run in a worker, so a 1 ms interval on the main thread ticks on, with gaps of a few
 * milliseconds for messages and garbage collection, none over 20 ms; TensorFlow.js in this thread holds the loop for the
 * whole graph. A main thread that does nothing but compute cannot hold up a deadline: the watchdog thread sets the control
 * word, so the device work ends within a node of it; only the promise settles once the main thread is back.
 *
 * Run `node dist/bench/event-loop.js [--smoke]`.
 */
import '@tensorflow/tfjs-backend-wasm';
import { setTimeout as sleep } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import {
  createEngine,
  DeadlineExceededError,
  type Engine,
  type Executable,
  type RunReport,
} from '../runtime/index.js';
import { matmulChains, squareMatrix } from './chains.js';
import { gapDuring } from './gap-recorder.js';
import {
  alternate,
  printFindings,
  printHeading,
  progress,
  repetitions,
  summarize,
  timeMs,
} from './harness.js';
import { findMatmulSize } from './matmul-size.js';
import { seededUniform } from './models/weights.js';
import { longestNodeMs } from './node-times.js';
import { formatMs } from './table.js';

const NODE_MS = 5;
const NODES = repetitions(200, 20);
const ROUNDS = repetitions(5, 1);
const BLOCKED_ROUNDS = repetitions(12, 1);
const MAX_GAP_MS = 20;
/** Blocked runs stop anywhere in this part of the full time. */
const DEADLINE_SHARES = [0.3, 0.7] as const;
const SEED = 1;
/** Beside the running node: the watchdog's wake-up. */
const ALLOWANCE_MS = 1;
/** Lets the worker start on the run before the main thread is blocked. */
const HEAD_START_MS = 20;

/** The same products in this thread. Reading the result is what waits for it. */
function multiplyInThisThread(size: number): () => void {
  const weights = tf.tensor2d(squareMatrix(size, 1).data, [size, size]);
  const x = tf.tensor2d(squareMatrix(size, 2).data, [size, size]);
  return () => {
    tf.tidy(() => {
      let y = x;
      for (let node = 0; node < NODES; node++) y = tf.matMul(y, weights);
      y.dataSync();
    });
  };
}

function computeFor(durationMs: number): void {
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs);
}

/** Stops a run while the main thread is blocked from before its deadline until after its end. */
async function stopWhileBlocked(
  executable: Executable,
  x: Float32Array,
  timeoutMs: number,
): Promise<RunReport> {
  const stopped = executable.run({ x }, { timeoutMs, cancellation: 'node' }).then(
    ({ report }) => report,
    (error: unknown) => {
      if (error instanceof DeadlineExceededError) return error.report;
      throw error;
    },
  );
  await sleep(HEAD_START_MS);
  computeFor(timeoutMs + 20 * NODE_MS);
  return stopped;
}

async function measure(engine: Engine): Promise<void> {
  const size = await findMatmulSize(engine, NODE_MS);
  const executable = await engine.compile(matmulChains(size, NODES));
  const x = squareMatrix(size, 2).data;
  const run = () => executable.run({ x });
  const fullMs = await timeMs(run);
  progress(`${NODES} products of ${size}×${size} matrices take ${formatMs(fullMs)}; ${ROUNDS} rounds`);
  const gaps = await alternate(
    { curfew: () => gapDuring(run), here: () => gapDuring(multiplyInThisThread(size)) },
    { warmUps: 1, rounds: ROUNDS },
  );
  progress(`${BLOCKED_ROUNDS} runs with the main thread blocked`);
  const next = seededUniform(SEED);
  const [least, most] = DEADLINE_SHARES;
  const blocked: RunReport[] = [];
  for (let round = 0; round < BLOCKED_ROUNDS; round++) {
    const share = (least + most) / 2 + (next() * (most - least)) / 2;
    blocked.push(await stopWhileBlocked(executable, x, fullMs * share));
  }
  report(gaps, blocked, await longestNodeMs(executable, { x }, ROUNDS));
}

function report(
  gaps: { curfew: number[]; here: number[] },
  blocked: readonly RunReport[],
  longestMs: number,
): void {
  const curfew = summarize(gaps.curfew);
  const here = summarize(gaps.here);
  const device = summarize(blocked.map(({ deviceLatenessMs }) => deviceLatenessMs ?? Number.NaN));
  const settled = summarize(blocked.map(({ latenessMs }) => latenessMs ?? Number.NaN));
  const executed = summarize(blocked.map(({ nodesCompleted }) => nodesCompleted));
  printFindings([
    {
      what: 'largest gap, Curfew',
      expected: `≤ ${MAX_GAP_MS} ms`,
      measured: `${formatMs(curfew.max)} (p50 of rounds ${formatMs(curfew.median)})`,
      met: curfew.max <= MAX_GAP_MS,
    },
    {
      what: 'largest gap, TensorFlow.js wasm in this thread',
      expected: 'the whole graph',
      measured: `p50 of rounds ${formatMs(here.median)}`,
    },
    {
      what: 'main thread blocked: lateness on the device',
      expected: `≤ longest node + ${ALLOWANCE_MS} ms: ${formatMs(longestMs + ALLOWANCE_MS)}`,
      measured: `p50 ${formatMs(device.median)}, p95 ${formatMs(device.p95)}, max ${formatMs(device.max)}`,
      met: device.p95 <= longestMs + ALLOWANCE_MS,
    },
    {
      what: 'main thread blocked: nodes executed',
      expected: `${DEADLINE_SHARES.map((share) => share * 100).join('–')} % of ${NODES}`,
      measured: `p50 ${executed.median}, p5–p95 ${executed.p5}–${executed.p95}`,
      met: executed.max < NODES,
    },
    {
      what: 'main thread blocked: promise settles after the deadline',
      expected: 'when the thread is back',
      measured: `p50 ${formatMs(settled.median)}`,
    },
  ]);
}

printHeading(
  'Is the event loop free while a graph runs, and does a run need it to be stopped?',
  `no gap over ${MAX_GAP_MS} ms, because kernels run in a worker; a blocked main thread holds up no deadline, because a ` +
    'watchdog thread keeps it.',
);
tf.enableProdMode();
await tf.setBackend('wasm');
await using engine = await createEngine();
await measure(engine);
