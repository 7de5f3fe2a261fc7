/** The price of precision on one workload: complete runs against `'none'`, and lateness at random deadlines. */
import { type CancellationOption, createEngine } from '../../../runtime/index.js';
import { progress } from '../../harness.js';
import { formatMs } from '../../table.js';
import { type ModeFigures, measureModes } from '../modes.js';
import type { Part, Table } from '../part.js';
import { WORKLOADS } from '../workloads.js';

const PRECISIONS_MS = [0.25, 0.5, 1, 2, 5, 10, 20, 50];
const SMOKE_PRECISIONS_MS = [1, 20];
/** The least is for software Vulkan, where one round of a large network fills the time. */
const BUDGETS = {
  runs: { ms: 22_000, least: 1, most: 100 },
  stops: { ms: 22_000, least: 2, most: 200 },
};
const SMOKE_BUDGETS = {
  runs: { ms: 500, least: 1, most: 3 },
  stops: { ms: 500, least: 1, most: 5 },
};

/** What was measured of one workload. */
export interface Price {
  readonly name: string;
  readonly title: string;
  readonly nodes: number;
  readonly fallbacks: Readonly<Record<string, number>>;
  readonly figures: readonly ModeFigures[];
}

function tableOf({ title, nodes, figures }: Price): Table {
  const rows = figures.map(({ mode, runMs, ratio, rounds, latenessMs, stops }) => [
    mode,
    formatMs(runMs.median),
    `${ratio.median.toFixed(2)} (${ratio.p5.toFixed(2)}–${ratio.p95.toFixed(2)})`,
    ...(latenessMs === undefined
      ? ['', '', '']
      : [latenessMs.median, latenessMs.p99, latenessMs.max].map(formatMs)),
    `${rounds}, ${stops}`,
  ]);
  const header = ['mode', 'time', "against 'none'", 'late p50', 'p99', 'max', 'runs, stops'];
  return { title: `Price of precision: ${title}, ${nodes} nodes`, header, rows };
}

/** How many nodes another device's kernels take, by op. */
function countByOp(fallbacks: readonly { readonly op: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of fallbacks) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

const priceOf =
  (name: string): Part =>
  async (context) => {
    const { smoke, adapter } = context;
    progress('building it');
    const { title, graph, feeds } = await WORKLOADS[name]!(context);
    await using engine = await createEngine({ device: 'webgpu', webgpu: { adapter } });
    progress(`${title}: compiling it`);
    const executable = await engine.compile(graph, { name });
    const precisions = smoke ? SMOKE_PRECISIONS_MS : PRECISIONS_MS;
    const modes: CancellationOption[] = [
      'none',
      'node',
      ...precisions.map((precisionMs) => ({ precisionMs })),
    ];
    progress(`${title}: ${modes.length} modes taking turns`);
    const figures = await measureModes(executable, feeds, modes, smoke ? SMOKE_BUDGETS : BUDGETS);
    const { report } = await executable.run(feeds);
    const price: Price = {
      name,
      title,
      nodes: report.nodesTotal,
      fallbacks: countByOp(executable.fallbacks),
      figures,
    };
    return { tables: [tableOf(price)], data: price };
  };

/** A part for each workload. */
export const prices: Readonly<Record<string, Part>> = Object.fromEntries(
  Object.keys(WORKLOADS).map((name) => [`price-${name}`, priceOf(name)]),
);
