/**
 * How late do runs stop?
 *
 * Expected: in mode `'node'` a run is late by what was left of the running node plus the way from the watchdog to the
 * control word and from the worker to the caller, which is some tenths of a millisecond; so 99 of 100 runs settle
 * within the longest node + 1 ms. `{ precisionMs }` adds at most that precision where nodes are shorter. In mode
 * `'none'` every node runs and the promise rejects after the last.
 *
 * Run `node dist/bench/lateness.js [--smoke]`.
 */
import {
  type CancellationOption,
  createEngine,
  DeadlineExceededError,
  type Engine,
  type RunReport,
} from '../runtime/index.js';
import { matmulChains, squareMatrix } from './chains.js';
import { type Finding, printFindings, printHeading, progress, repetitions, summarise } from './harness.js';
import { findMatmulSize } from './matmul-size.js';
import { seededUniform } from './models/weights.js';
import { formatMs } from './table.js';

const SEED = 1;
const WARM_UPS = 5;
/** Beside the running node: the watchdog's wake-up and the messages. */
const ALLOWANCE_MS = 1;
const MODES = [
  'none',
  'node',
  { precisionMs: 1 },
  { precisionMs: 5 },
] as const satisfies CancellationOption[];
/** Mode `'none'` takes the full time whatever the timeout; a few runs show it. */
const NONE_EVERY = 10;

interface Chain {
  readonly nodeMs: number;
  readonly nodes: number;
  readonly runs: number;
}

const CHAINS: readonly Chain[] = [
  { nodeMs: 5, nodes: 40, runs: repetitions(100, 3) },
  { nodeMs: 0.1, nodes: 1000, runs: repetitions(100, 3) },
];

/** What the runs of one chain left behind. */
interface Observations {
  /** The longest node of each recorded complete run. */
  readonly longestMs: number[];
  readonly fullMs: number;
  /** Reports of stopped runs, by index in `MODES`. */
  readonly reports: readonly RunReport[][];
}

async function observe(engine: Engine, { nodeMs, nodes, runs }: Chain): Promise<Observations> {
  const size = await findMatmulSize(engine, nodeMs);
  progress(`chain of ${nodes} products of ${size}×${size} matrices, ${runs} runs in each mode`);
  using executable = await engine.compile(matmulChains(size, nodes), { name: `${nodes} products` });
  const feeds = { x: squareMatrix(size, 2).data };
  const longestMs: number[] = [];
  const record = async () => {
    const { timeline, report } = await executable.run(feeds, { timeline: true });
    longestMs.push(Math.max(...timeline!.nodes.map(({ startMs, endMs }) => endMs - startMs)));
    return report.durationMs;
  };
  for (let run = 0; run < WARM_UPS; run++) await executable.run(feeds, { cancellation: { precisionMs: 1 } });
  const fullMs = await record();
  const next = seededUniform(SEED);
  const reports: RunReport[][] = MODES.map(() => []);
  for (let run = 0; run < runs; run++) {
    const timeoutMs = fullMs * (0.5 + 0.45 * next());
    for (const [index, cancellation] of MODES.entries()) {
      if (cancellation === 'none' && run % NONE_EVERY !== 0) continue;
      const stopped = await executable
        .run(feeds, { cancellation, timeoutMs })
        .catch((error: unknown) => error);
      // A run that has become faster than the first one may complete in time: it says nothing of lateness.
      if (stopped instanceof DeadlineExceededError) reports[index]!.push(stopped.report);
    }
    if (run % NONE_EVERY === 0) await record();
  }
  return { longestMs, fullMs, reports };
}

function describe(mode: CancellationOption, reports: readonly RunReport[], longestMs: number): Finding {
  const lateness = summarise(reports.map((report) => report.latenessMs!));
  const early = reports.filter(({ latenessMs }) => latenessMs === 0).length;
  const figures = `p50 ${formatMs(lateness.median)}, p99 ${formatMs(lateness.p99)}, max ${formatMs(lateness.max)}`;
  const what = `  ${reports[0]!.mode}`;
  if (mode === 'none') {
    const executed = Math.min(...reports.map(({ nodesCompleted }) => nodesCompleted));
    const total = reports[0]!.nodesTotal;
    const measured = `${executed} of ${total} nodes; ${figures}`;
    return { what, expected: 'every node', measured, met: executed === total };
  }
  const spacingMs = typeof mode === 'object' ? mode.precisionMs : 0;
  const boundMs = Math.max(spacingMs, longestMs) + ALLOWANCE_MS;
  return {
    what,
    expected: `p99 ≤ ${formatMs(boundMs)}`,
    measured: `${figures}${early > 0 ? `; ${early} stopped early` : ''}`,
    met: lateness.p99 <= boundMs,
  };
}

function findingsOf({ nodes }: Chain, { longestMs, fullMs, reports }: Observations): Finding[] {
  const longest = summarise(longestMs);
  const heading = {
    what: `${nodes} nodes, ${formatMs(fullMs)}; longest node`,
    expected: '',
    measured: `p50 ${formatMs(longest.median)}, max ${formatMs(longest.max)}`,
  };
  const modes = MODES.flatMap((mode, index) =>
    reports[index]!.length > 0 ? [describe(mode, reports[index]!, longest.median)] : [],
  );
  return [heading, ...modes];
}

printHeading(
  'How late do runs stop?',
  `p99 of the lateness ≤ longest node (or precisionMs, if longer) + ${ALLOWANCE_MS} ms; mode 'none' runs every node.`,
);
await using engine = await createEngine();
const findings: Finding[] = [];
for (const chain of CHAINS) findings.push(...findingsOf(chain, await observe(engine, chain)));
printFindings(findings);
