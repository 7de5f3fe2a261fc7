/**
 * Does the virtual device, told a measured profile, predict what a real queue does?
 *
 * Chains of matrix products of three sizes run on the GPU and on the virtual device, which has the profile of this GPU
 * (`gpu/profile/measure.ts`) and for each node a time drawn from those that the GPU's timestamps gave in mode `'none'`, scaled
 * so that they add up to what an untimed run takes: a node that is timed is by itself, and takes longer than among others.
 * Compared are what modes cost against `'none'` and how late runs stop at random deadlines. A second prediction takes for each
 * mode the times that nodes have in that mode: where it fits and the first does not, the mode makes the nodes themselves
 * slower, which is nothing that the queue's costs tell.
 *
 * Expected: within 30 % of each other, where a figure is large enough to be one: an overhead under 5 % and a lateness under
 * 0.1 ms say nothing. On software Vulkan less of it: the device computes on the cores that submit to it and spin for its fences,
 * so that modes which wait make nodes longer, which the virtual device does not know; on a machine with few cores most of all.
 *
 * Run `npm run bench:prediction -- [--adapter NAME] [--smoke]`.
 */
import { parseArgs } from 'node:util';
import type { DeviceProfile } from '../../kernels/virtual/profiles.js';
import { createRandom } from '../../kernels/virtual/random.js';
import {
  type CancellationOption,
  createEngine,
  type Engine,
  type Executable,
  type Feeds,
} from '../../runtime/index.js';
import { matmulChains, squareMatrix } from '../chains.js';
import { printHeading, progress, repetitions, smoke, summarize } from '../harness.js';
import { formatChange, formatMs, formatTable } from '../table.js';
import { withBackend } from './backend.js';
import { type ModeFigures, measureModes, nameOfMode } from './modes.js';
import { measureProfile } from './profile/measure.js';
import { findProduct, type Product } from './profile/sizes.js';

const MODES: readonly CancellationOption[] = [
  'none',
  'node',
  { precisionMs: 1 },
  { precisionMs: 4 },
  { precisionMs: 16 },
];
const TARGETS_MS = [0.02, 0.2, 1];
const CHAIN_MS = smoke ? 20 : 120;
const [LEAST_NODES, MOST_NODES] = [50, 2000];
const BUDGETS = {
  runs: { ms: smoke ? 500 : 12_000, least: 3, most: 60 },
  stops: { ms: smoke ? 500 : 12_000, least: 3, most: 200 },
};
/** The virtual device repeats itself but for the times that are drawn. */
const VIRTUAL_BUDGETS = {
  runs: { ms: 1000, least: 3, most: 10 },
  stops: { ms: smoke ? 500 : 3000, least: 3, most: 200 },
};
/** Differences in smaller figures mean nothing. */
const [LEAST_OVERHEAD, LEAST_LATENESS_MS] = [0.05, 0.1];
const TOLERANCE = 0.3;

/** A chain to compare. */
interface Chain {
  readonly size: number;
  readonly nodes: number;
  /** What nodes take on the device, by mode. */
  readonly timesMs: Readonly<Record<string, readonly number[]>>;
}

/** A mode on the GPU, as predicted, and as predicted with the mode's own times of nodes. */
interface Comparison {
  readonly nodeMs: number;
  readonly real: ModeFigures;
  readonly predicted: ModeFigures;
  readonly own: ModeFigures;
}

const nodesFor = (nodeMs: number) =>
  Math.round(Math.min(MOST_NODES, Math.max(LEAST_NODES, CHAIN_MS / nodeMs)));

async function timesInMode(executable: Executable, feeds: Feeds, cancellation: CancellationOption) {
  const { timeline } = await executable.run(feeds, { cancellation, timeline: true });
  return timeline!.nodes.map(({ startMs, endMs }) => endMs - startMs);
}

async function measureChain(engine: Engine, { size, nodes }: Omit<Chain, 'timesMs'>) {
  using executable = await engine.compile(matmulChains(size, nodes), { name: `${nodes} products` });
  const feeds = { x: squareMatrix(size, 2).data };
  const figures = await measureModes(executable, feeds, MODES, BUDGETS);
  const timesMs: Record<string, readonly number[]> = {};
  for (const mode of MODES) timesMs[nameOfMode(mode)] = await timesInMode(executable, feeds, mode);
  return { timesMs, figures };
}

async function predict(
  profile: DeviceProfile,
  { size, nodes }: Chain,
  timesMs: readonly number[],
  modes: readonly CancellationOption[],
): Promise<ModeFigures[]> {
  const random = createRandom(1);
  const kernelMs = () => timesMs[Math.floor(random() * timesMs.length)]!;
  await using engine = await createEngine({ device: 'virtual', virtual: { profile, kernelMs } });
  using executable = await engine.compile(matmulChains(size, nodes));
  return await measureModes(executable, { x: squareMatrix(size, 2).data }, modes, VIRTUAL_BUDGETS);
}

/** Factor from timed nodes to those of an untimed run, in which the device is never idle. */
function scaleOf({ timesMs }: Chain, figures: readonly ModeFigures[]): number {
  const timedMs = timesMs['none']!.reduce((sum, ms) => sum + ms, 0);
  return Math.min(1, figures[0]!.runMs.median / timedMs);
}

async function compareModes(
  profile: DeviceProfile,
  chain: Chain,
  figures: readonly ModeFigures[],
): Promise<Comparison[]> {
  const scale = scaleOf(chain, figures);
  const scaled = (times: readonly number[]) => times.map((ms) => ms * scale);
  const predicted = await predict(profile, chain, scaled(chain.timesMs['none']!), MODES);
  const comparisons: Comparison[] = [];
  for (const [index, mode] of MODES.entries()) {
    const times = chain.timesMs[nameOfMode(mode)]!;
    const modes = mode === 'none' ? MODES.slice(0, 1) : ['none' as const, mode];
    const own = (await predict(profile, chain, scaled(times), modes)).at(-1)!;
    comparisons.push({
      nodeMs: summarize(times).median,
      real: figures[index]!,
      predicted: predicted[index]!,
      own,
    });
  }
  return comparisons;
}

/** Predicted over measured; nothing where both are too small to compare. */
function compare(predicted: number, measured: number, least: number): string {
  if (measured < least) return predicted < least ? 'small' : 'small !';
  const ratio = predicted / measured;
  const isMet = ratio >= 1 - TOLERANCE && ratio <= 1 + TOLERANCE;
  return `${ratio.toFixed(2)}${isMet ? '' : ' !'}`;
}

function lateCells({ real, predicted, own }: Comparison, pick: 'median' | 'p99'): string[] {
  if ([real, predicted, own].some(({ latenessMs }) => latenessMs === undefined)) return ['', '', '', ''];
  const [measured, expected, withOwn] = [real, predicted, own].map(({ latenessMs }) => latenessMs![pick]);
  return [
    formatMs(measured!),
    formatMs(expected!),
    compare(expected!, measured!, LEAST_LATENESS_MS),
    compare(withOwn!, measured!, LEAST_LATENESS_MS),
  ];
}

function timeCells({ real, predicted, own }: Comparison, noneMs: number): string[] {
  const [measured, expected] = [real.ratio.median, predicted.ratio.median];
  if (real.mode === 'none') {
    const ratio = compare(predicted.runMs.median, real.runMs.median, 0);
    return [formatMs(real.runMs.median), formatMs(predicted.runMs.median), ratio, ''];
  }
  return [
    formatChange(measured),
    formatChange(expected),
    compare(expected - 1, measured - 1, LEAST_OVERHEAD),
    compare(own.runMs.median / noneMs - 1, measured - 1, LEAST_OVERHEAD),
  ];
}

function printChain({ size, nodes, timesMs }: Chain, comparisons: readonly Comparison[]): void {
  const { p5, median, p95 } = summarize(timesMs['none']!);
  const spread = `${formatMs(median)} (${formatMs(p5)}–${formatMs(p95)})`;
  console.log(`\n${nodes} products of ${size}×${size} matrices, each ${spread} in mode 'none'`);
  const header = [
    ...['mode', 'node'],
    ...['time', 'predicted', 'ratio', 'own'],
    ...['late p50', 'predicted', 'ratio', 'own'],
    ...['late p99', 'predicted', 'ratio', 'own'],
  ];
  const noneMs = comparisons[0]!.predicted.runMs.median;
  const rows = comparisons.map((comparison) => [
    comparison.real.mode,
    formatMs(comparison.nodeMs),
    ...timeCells(comparison, noneMs),
    ...lateCells(comparison, 'median'),
    ...lateCells(comparison, 'p99'),
  ]);
  console.log(formatTable(header, rows));
}

async function run(adapter: string | undefined): Promise<void> {
  const webgpu = { adapter };
  const { profile, products } = await withBackend(async (backend, name) => {
    printHeading(
      'Does the virtual device predict what a real queue does?',
      'overhead and lateness within 30 %, less on software Vulkan; see the head of this file.',
      name,
    );
    progress('measuring the profile and looking for products of three sizes');
    const measured = await measureProfile(backend, name, repetitions(100, 5));
    const found: Product[] = [];
    for (const targetMs of TARGETS_MS) found.push(await findProduct(backend, targetMs));
    return { profile: measured, products: found };
  }, webgpu);
  console.log(JSON.stringify(profile));
  await using engine = await createEngine({ device: 'webgpu', webgpu });
  for (const { size, nodeMs } of products) {
    const nodes = nodesFor(nodeMs);
    progress(`${nodes} products of ${size}×${size} on both`);
    const { timesMs, figures } = await measureChain(engine, { size, nodes });
    const chain = { size, nodes, timesMs };
    printChain(chain, await compareModes(profile, chain, figures));
  }
  console.log(
    `\nratio: predicted over measured, "!" beyond ${TOLERANCE * 100} %. own: the same with what nodes take in the mode itself.`,
  );
}

const { values } = parseArgs({ options: { adapter: { type: 'string' }, smoke: { type: 'boolean' } } });
await run(values.adapter);
