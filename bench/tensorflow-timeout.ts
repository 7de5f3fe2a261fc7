/**
 * What does a timeout of 50 ms do to a second of TensorFlow's work?
 *
 * A chain of 20 products of 1500×1500 matrices. Expected: in mode `'node'` a run settles within one product of its deadline, while
 * the event loop stays free (no gap over 20 ms). In mode `'none'` all 20 are executed first, as TensorFlow's own `timeout_in_ms` has it.
 * tfjs-node called directly has no timeout, and holds the event loop until it is done.
 *
 * Needs the tensorflow device (`npm run setup:tensorflow`). Run `node dist/bench/tensorflow-timeout.js [--smoke]`.
 */
import * as core from '@tensorflow/tfjs-core';
import { loadAddon } from '../kernels/tensorflow/addon.js';
import { findInstallation } from '../kernels/tensorflow/installation.js';
import { registerPackage } from '../kernels/tensorflow/stock-package.js';
import {
  type CancellationOption,
  createEngine,
  DeadlineExceededError,
  type Executable,
  type RunReport,
} from '../runtime/index.js';
import { matmulChains, squareMatrix } from './chains.js';
import { gapDuring } from './gap-recorder.js';
import { alternate, printFindings, printHeading, progress, repetitions, summarize } from './harness.js';
import { nodeTimesMs } from './node-times.js';
import { formatMs } from './table.js';

const SIZE = 1500;
const NODES = 20;
const TIMEOUT_MS = 50;
const ROUNDS = repetitions(15, 1);
const MAX_GAP_MS = 20;
const FEEDS = { x: squareMatrix(SIZE, 2).data };
/** Beside the running product. */
const ALLOWANCE_MS = 1;

/** The same products on the calling thread. */
function directly(): () => void {
  const installation = findInstallation()!;
  registerPackage(core, installation.packageFolder, loadAddon(installation.addon));
  const weights = core.tensor2d(squareMatrix(SIZE, 1).data, [SIZE, SIZE]);
  const x = core.tensor2d(FEEDS.x, [SIZE, SIZE]);
  return () => {
    core.tidy(() => {
      let y = x;
      for (let node = 0; node < NODES; node++) y = core.matMul(y, weights);
      y.dataSync();
    });
  };
}

/** Runs with the timeout, and keeps the report. */
async function stop(executable: Executable, mode: CancellationOption, reports: RunReport[]): Promise<void> {
  try {
    const { report } = await executable.run(FEEDS, { timeoutMs: TIMEOUT_MS, cancellation: mode });
    reports.push(report);
  } catch (error) {
    if (!(error instanceof DeadlineExceededError)) throw error;
    reports.push(error.report);
  }
}

printHeading(
  "What does a timeout of 50 ms do to a second of TensorFlow's work?",
  "'node' settles within one product of the deadline and leaves the event loop free; 'none' executes all 20.",
  "TensorFlow's kernels",
);
core.enableProdMode();
await using engine = await createEngine({ device: 'tensorflow' });
const executable = await engine.compile(matmulChains(SIZE, NODES), { modes: ['none', 'node'] });
const longestMs = summarize(await nodeTimesMs(executable, FEEDS)).max;
progress(`a product takes ${formatMs(longestMs)} at most; ${ROUNDS} rounds, all sides taking turns`);
const multiply = directly();
const reports = { node: [] as RunReport[], none: [] as RunReport[] };
const gaps = await alternate(
  {
    node: () => gapDuring(() => stop(executable, 'node', reports.node)),
    none: () => gapDuring(() => stop(executable, 'none', reports.none)),
    direct: () => gapDuring(multiply),
  },
  { warmUps: 1, rounds: ROUNDS },
);

const lateness = (of: readonly RunReport[]) => summarize(of.map(({ latenessMs }) => latenessMs ?? 0));
const nodes = (of: readonly RunReport[]) => summarize(of.map(({ nodesCompleted }) => nodesCompleted));
const gap = (of: readonly number[]) => `largest gap p50 ${formatMs(summarize(of).median)}`;
printFindings([
  {
    what: "'node': lateness",
    expected: `p95 ≤ a product + ${ALLOWANCE_MS} ms: ${formatMs(longestMs + ALLOWANCE_MS)}`,
    measured: `p50 ${formatMs(lateness(reports.node).median)}, p95 ${formatMs(lateness(reports.node).p95)}`,
    met: lateness(reports.node).p95 <= longestMs + ALLOWANCE_MS,
  },
  {
    what: "'node': event loop",
    expected: `p95 of gaps ≤ ${MAX_GAP_MS} ms`,
    measured: gap(gaps.node),
    met: summarize(gaps.node).p95 <= MAX_GAP_MS,
  },
  {
    what: "'none': products executed",
    expected: `${NODES}`,
    measured: `${nodes(reports.none).p5} at least; p50 ${formatMs(lateness(reports.none).median)} late`,
    met: nodes(reports.none).p5 === NODES,
  },
  {
    what: 'tfjs-node called directly: event loop',
    expected: 'held for the whole chain',
    measured: gap(gaps.direct),
  },
]);
