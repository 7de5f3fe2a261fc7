/**
 * Does the virtual device, told a measured profile, predict what a real queue does?
 *
 * Chains of matrix products of three sizes run on the GPU and on the virtual device, which has the profile of this GPU
 * (`gpu/profile/measure.ts`) and for each node a time drawn from those that the GPU's timestamps gave in mode `'none'`.
 * Compared are what modes cost against `'none'` and how late runs stop at random deadlines.
 *
 * Expected: within 30 % of each other, where a figure is large enough to be one: an overhead under 5 % and a lateness under
 * 0.1 ms say nothing. On software Vulkan less of it: the device computes on the cores that submit to it, so that encoding
 * and waiting make nodes longer, which the virtual device does not know; on a machine with few cores most of all.
 *
 * Run `npm run bench:prediction -- [--adapter NAME] [--smoke]`.
 */
import { parseArgs } from 'node:util';
import type { DeviceProfile } from '../../kernels/virtual/profiles.js';
import { createRandom } from '../../kernels/virtual/random.js';
import { type CancellationOption, createEngine, type Engine } from '../../runtime/index.js';
import { matmulChains, squareMatrix } from '../chains.js';
import { printHeading, progress, repetitions, smoke, summarize } from '../harness.js';
import { nodeTimesMs } from '../node-times.js';
import { formatChange, formatMs, formatTable } from '../table.js';
import { withBackend } from './backend.js';
import { type ModeFigures, measureModes } from './modes.js';
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
/** Differences in smaller figures mean nothing. */
const [LEAST_OVERHEAD, LEAST_LATENESS_MS] = [0.05, 0.1];
const TOLERANCE = 0.3;

/** A chain to compare. */
interface Chain {
  readonly size: number;
  readonly nodes: number;
  readonly timesMs: readonly number[];
}

type Pair = readonly [real: ModeFigures, predicted: ModeFigures];

const nodesFor = (nodeMs: number) =>
  Math.round(Math.min(MOST_NODES, Math.max(LEAST_NODES, CHAIN_MS / nodeMs)));

async function measureChain(engine: Engine, { size, nodes }: Omit<Chain, 'timesMs'>) {
  using executable = await engine.compile(matmulChains(size, nodes), { name: `${nodes} products` });
  const feeds = { x: squareMatrix(size, 2).data };
  await executable.run(feeds);
  const timesMs = await nodeTimesMs(executable, feeds);
  return { timesMs, figures: await measureModes(executable, feeds, MODES, BUDGETS) };
}

async function predict(profile: DeviceProfile, { size, nodes, timesMs }: Chain): Promise<ModeFigures[]> {
  const random = createRandom(1);
  const kernelMs = () => timesMs[Math.floor(random() * timesMs.length)]!;
  await using engine = await createEngine({ device: 'virtual', virtual: { profile, kernelMs } });
  using executable = await engine.compile(matmulChains(size, nodes));
  return await measureModes(executable, { x: squareMatrix(size, 2).data }, MODES, BUDGETS);
}

/** Predicted over measured; nothing where both are too small to compare. */
function compare(predicted: number, measured: number, least: number): string {
  if (measured < least) return predicted < least ? 'small' : 'small !';
  const ratio = predicted / measured;
  const isMet = ratio >= 1 - TOLERANCE && ratio <= 1 + TOLERANCE;
  return `${ratio.toFixed(2)}${isMet ? '' : ' !'}`;
}

function rowOf([real, predicted]: Pair): string[] {
  const overheads = [real.ratio.median, predicted.ratio.median] as const;
  const lateness = (pick: 'median' | 'p99'): string[] => {
    if (real.latenessMs === undefined || predicted.latenessMs === undefined) return ['', '', ''];
    const [measured, expected] = [real.latenessMs[pick], predicted.latenessMs[pick]];
    return [formatMs(measured), formatMs(expected), compare(expected, measured, LEAST_LATENESS_MS)];
  };
  const isBase = real.mode === 'none';
  return [
    real.mode,
    isBase ? formatMs(real.runMs.median) : formatChange(overheads[0]),
    isBase ? formatMs(predicted.runMs.median) : formatChange(overheads[1]),
    isBase
      ? compare(predicted.runMs.median, real.runMs.median, 0)
      : compare(overheads[1] - 1, overheads[0] - 1, LEAST_OVERHEAD),
    ...lateness('median'),
    ...lateness('p99'),
  ];
}

function printChain({ size, nodes, timesMs }: Chain, pairs: readonly Pair[]): void {
  const { p5, median, p95 } = summarize(timesMs);
  const spread = `${formatMs(median)} (${formatMs(p5)}–${formatMs(p95)})`;
  console.log(`\n${nodes} products of ${size}×${size} matrices, each ${spread}`);
  const header = [
    'mode',
    ...['time', 'predicted', 'ratio'],
    ...['late p50', 'predicted', 'ratio'],
    ...['late p99', 'predicted', 'ratio'],
  ];
  console.log(formatTable(header, pairs.map(rowOf)));
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
    const predicted = await predict(profile, { size, nodes, timesMs });
    const pairs = figures.map((real, index): Pair => [real, predicted[index]!]);
    printChain({ size, nodes, timesMs }, pairs);
  }
  console.log(`\nratio: predicted over measured; "!" beyond ${TOLERANCE * 100} %.`);
}

const { values } = parseArgs({ options: { adapter: { type: 'string' }, smoke: { type: 'boolean' } } });
await run(values.adapter);
