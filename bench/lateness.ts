/**
 * How late do runs stop?
 *
 * Expected: in mode `'node'` a run is late by what was left of the running node plus the way from the watchdog to the
 * control word and from the worker to the caller, which is some tenths of a millisecond; so 99 of 100 runs settle
 * within the longest node + 1 ms. A timeline tells when the running node ended, and thereby what came after it: at most
 * 1 ms, however long nodes are. `{ precisionMs }` adds at most that precision where nodes are shorter. In mode `'none'`
 * every node runs and the promise rejects after the last.
 *
 * Run `node dist/bench/lateness.js [--smoke]`.
 */
import {
  type CancellationOption,
  createEngine,
  DeadlineExceededError,
  type Engine,
  type RunOptions,
  type RunReport,
  type RunResult,
} from '../runtime/index.js';
import { matmulChains, squareMatrix } from './chains.js';
import {
  alternate,
  type Finding,
  printFindings,
  printHeading,
  progress,
  repetitions,
  summarize,
} from './harness.js';
import { findMatmulSize } from './matmul-size.js';
import { seededUniform } from './models/weights.js';
import { nodeTimesMs } from './node-times.js';
import { formatMs } from './table.js';

const SEED = 1;
/** Beside the running node: the watchdog's wake-up and the messages. */
const ALLOWANCE_MS = 1;

/** One way to run the chain. */
interface Way {
  readonly cancellation: CancellationOption;
  /** Whether runs are recorded, which tells when their last node ended. */
  readonly timeline?: boolean;
  /** Takes part in every so many rounds only. */
  readonly every?: number;
}

const WAYS: readonly Way[] = [
  // Takes the full time whatever the timeout; a few runs show it.
  { cancellation: 'none', every: 10 },
  { cancellation: 'node' },
  { cancellation: 'node', timeline: true },
  { cancellation: { precisionMs: 1 } },
  { cancellation: { precisionMs: 5 } },
];
/** Rounds between complete runs that are recorded for the longest node. */
const LONGEST_EVERY = 10;

interface Chain {
  readonly nodeMs: number;
  readonly nodes: number;
  readonly rounds: number;
}

const CHAINS: readonly Chain[] = [
  { nodeMs: 5, nodes: 40, rounds: repetitions(100, 3) },
  { nodeMs: 0.1, nodes: 1000, rounds: repetitions(100, 3) },
];

/** What the runs of one chain left behind. */
interface Observations {
  readonly fullMs: number;
  /** The longest node of each recorded complete run. */
  readonly longestMs: readonly number[];
  /** Errors of stopped runs, by index in `WAYS`. */
  readonly stops: readonly DeadlineExceededError[][];
}

type Run = (options: RunOptions) => Promise<RunResult>;

/** A run may have become faster than the full time measured before, and complete: it says nothing of lateness. */
async function stopAt(run: Run, timeoutMs: number, way: Way): Promise<DeadlineExceededError | undefined> {
  try {
    await run({ timeoutMs, cancellation: way.cancellation, timeline: way.timeline });
    return undefined;
  } catch (error) {
    if (error instanceof DeadlineExceededError) return error;
    throw error;
  }
}

async function observe(engine: Engine, { nodeMs, nodes, rounds }: Chain): Promise<Observations> {
  const size = await findMatmulSize(engine, nodeMs);
  progress(`chain of ${nodes} products of ${size}×${size} matrices, ${rounds} runs in each mode`);
  using executable = await engine.compile(matmulChains(size, nodes), { name: `${nodes} products` });
  const feeds = { x: squareMatrix(size, 2).data };
  const run: Run = (options) => executable.run(feeds, options);
  const complete = async () => (await run({ cancellation: { precisionMs: 1 } })).report.durationMs;
  const { full } = await alternate({ full: complete }, { warmUps: 3, rounds: 5 });
  const fullMs = summarize(full).median;
  const next = seededUniform(SEED);
  const longestMs: number[] = [];
  const stops: DeadlineExceededError[][] = WAYS.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const timeoutMs = fullMs * (0.5 + 0.45 * next());
    for (const [index, way] of WAYS.entries()) {
      if (round % (way.every ?? 1) !== 0) continue;
      const stop = await stopAt(run, timeoutMs, way);
      if (stop !== undefined) stops[index]!.push(stop);
    }
    if (round % LONGEST_EVERY === 0) longestMs.push(Math.max(...(await nodeTimesMs(executable, feeds))));
  }
  return { fullMs, longestMs, stops };
}

/** Milliseconds from the end of the node that ran at the deadline until the run settled. */
function afterLastNodeMs({ report, timeline }: DeadlineExceededError): number {
  const lastEndMs = Math.max(...timeline!.nodes.map(({ endMs }) => endMs));
  return report.latenessMs! - Math.max(0, lastEndMs - report.timeoutMs!);
}

function formatLateness(samples: readonly number[]): string {
  const { median, p99, max } = summarize(samples);
  // A report counts no negative lateness: exactly 0 is a run that was stopped before its deadline.
  const early = samples.filter((ms) => ms === 0).length;
  const note = early === 0 ? '' : `; ${early} before the deadline`;
  return `p50 ${formatMs(median)}, p99 ${formatMs(p99)}, max ${formatMs(max)}${note}`;
}

function describeUnstopped(reports: readonly RunReport[], figures: string): Finding {
  const executed = Math.min(...reports.map(({ nodesCompleted }) => nodesCompleted));
  const total = reports[0]!.nodesTotal;
  const measured = `${executed} of ${total} nodes; ${figures}`;
  return { what: '  none', expected: 'every node', measured, met: executed === total };
}

function describe(way: Way, stops: readonly DeadlineExceededError[], longestMs: number): Finding {
  const reports = stops.map(({ report }) => report);
  const latenessMs = way.timeline ? stops.map(afterLastNodeMs) : reports.map((report) => report.latenessMs!);
  const figures = formatLateness(latenessMs);
  if (way.cancellation === 'none') return describeUnstopped(reports, figures);
  const precisionMs = typeof way.cancellation === 'object' ? way.cancellation.precisionMs : 0;
  const boundMs = ALLOWANCE_MS + (way.timeline ? 0 : Math.max(precisionMs, longestMs));
  return {
    what: `  ${reports[0]!.mode}${way.timeline ? ', after the running node' : ''}`,
    expected: `p99 ≤ ${formatMs(boundMs)}`,
    measured: figures,
    met: summarize(latenessMs).p99 <= boundMs,
  };
}

function findingsOf({ nodes }: Chain, { longestMs, fullMs, stops }: Observations): Finding[] {
  const longest = summarize(longestMs);
  const heading = {
    what: `${nodes} nodes, ${formatMs(fullMs)}; longest node of a run`,
    expected: '',
    measured: `p50 ${formatMs(longest.median)}, max ${formatMs(longest.max)}`,
  };
  const modes = WAYS.flatMap((way, index) =>
    stops[index]!.length > 0 ? [describe(way, stops[index]!, longest.median)] : [],
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
