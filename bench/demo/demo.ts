/**
 * Stops MobileNetV2 at deadlines in each cancellation mode and shows what that takes and what it costs.
 * Run `npm run demo -- [--device wasm|tensorflow|webgpu] [--adapter NAME] [--repeat N] [--json]`.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import {
  createEngine,
  DeadlineExceededError,
  type EngineOptions,
  type Executable,
  type RunReport,
} from '../../runtime/index.js';
import { progress, type Summary } from '../harness.js';
import { formatChange, formatMs, formatTable } from '../table.js';
import { buildClassifier, SIZE } from './classifier.js';
import { type Cell, measureFullMs, measureOverheads, measureStops } from './measure.js';
import { PICTURE, readImage } from './read-image.js';

const TIMEOUT_SHARES = [0.25, 0.5, 0.75];
/** Compiles the worker's code well enough that later runs do not get faster. */
const WARM_UPS = 4;
const OVERHEAD_ROUNDS_PER_REPEAT = 2;
const MAX_OVERHEAD_ENGINES = 4;
const TIMELINE_FILE = 'timeline.json';
const DEVICES = ['wasm', 'tensorflow', 'webgpu'] as const;

type DemoDevice = (typeof DEVICES)[number];

/** What the command line says. */
interface DemoOptions {
  readonly engine: Pick<EngineOptions, 'device' | 'webgpu'>;
  readonly repeats: number;
  readonly json: boolean;
}

function readOptions(): DemoOptions {
  const { values } = parseArgs({
    options: {
      device: { type: 'string', default: 'wasm' },
      adapter: { type: 'string' },
      repeat: { type: 'string', default: '5' },
      json: { type: 'boolean', default: false },
    },
  });
  const repeats = Number(values.repeat);
  if (!Number.isInteger(repeats) || repeats < 1 || repeats > 1000) {
    throw new RangeError(`--repeat: expected an integer from 1 to 1000, received ${values.repeat}`);
  }
  const device: DemoDevice | undefined = DEVICES.find((name) => name === values.device);
  if (device === undefined)
    throw new TypeError(`--device: expected ${DEVICES.join(', ')}, received ${values.device}`);
  const webgpu = device === 'webgpu' ? { adapter: values.adapter } : undefined;
  return { engine: { device, webgpu }, repeats, json: values.json };
}

function overheadOf({ modeIndex, timeoutShare }: Cell, overheads: readonly Summary[]): string {
  if (timeoutShare !== TIMEOUT_SHARES[0]) return '';
  if (modeIndex === 0) return 'baseline';
  const { median, p5, p95 } = overheads[modeIndex]!;
  return `${formatChange(median)} (${formatChange(p5)} … ${formatChange(p95)})`;
}

function formatCells(cells: readonly Cell[], overheads: readonly Summary[]): string {
  const header = [
    'mode',
    'timeout',
    'settled after',
    'lateness',
    'nodes executed',
    'event-loop gap',
    "overhead against 'none'",
  ];
  const rows = cells.map((cell) => [
    cell.mode,
    `${cell.timeoutMs} ms (${cell.timeoutShare * 100} %)`,
    formatMs(cell.settledMs),
    formatMs(cell.latenessMs),
    `${cell.nodesCompleted} of ${cell.nodesTotal}`,
    formatMs(cell.gapMs),
    overheadOf(cell, overheads),
  ]);
  return formatTable(header, rows);
}

/** What the table shows, in words. */
function describe(cells: readonly Cell[]): string {
  const unstopped = cells.filter(({ modeIndex }) => modeIndex === 0);
  const stopped = cells.filter(({ modeIndex }) => modeIndex !== 0);
  const most = (of: readonly Cell[], figure: (cell: Cell) => number) => formatMs(Math.max(...of.map(figure)));
  const executed = Math.min(...unstopped.map(({ nodesCompleted }) => nodesCompleted));
  return [
    `In mode 'none' runs executed ${executed} of ${unstopped[0]!.nodesTotal} nodes and settled up to ` +
      `${most(unstopped, (cell) => cell.worstLatenessMs)} after their deadline;`,
    `in the other modes no run settled later than ${most(stopped, (cell) => cell.worstLatenessMs)} after its deadline, ` +
      `and in none was the event loop held longer than ${most(cells, (cell) => cell.gapMs)}.`,
  ].join('\n');
}

/** Stops one run half-way and keeps its timeline; it may have become fast enough to complete. */
async function writeTimeline(executable: Executable, timeoutMs: number): Promise<RunReport> {
  const { report, timeline } = await executable
    .run({}, { timeoutMs, cancellation: 'node', timeline: true })
    .catch((error: unknown) => {
      if (error instanceof DeadlineExceededError) return error;
      throw error;
    });
  await writeFile(TIMELINE_FILE, JSON.stringify(timeline?.toChromeTrace()));
  return report;
}

const { engine: engineOptions, repeats, json } = readOptions();
progress('building MobileNetV2 (alpha 1, 224×224, seeded random weights) and tracing it');
const { graph, network } = await buildClassifier(PICTURE);
await using engine = await createEngine(engineOptions);
const classify = await engine.compile(graph, { name: 'classify' });
const fullMs = await measureFullMs(classify, 2 * repeats, WARM_UPS);
progress(`a complete run takes ${formatMs(fullMs)}; now ${repeats} runs per mode and timeout`);
const cells = await measureStops(classify, fullMs, TIMEOUT_SHARES, repeats);
const recorded = await writeTimeline(classify, Math.round(fullMs / 2));

const rounds = OVERHEAD_ROUNDS_PER_REPEAT * repeats;
const engines = Math.min(MAX_OVERHEAD_ENGINES, repeats);
progress(
  `the network alone: ${rounds} rounds of complete runs in each of ${engines} engines, the modes taking turns`,
);
const image = await readImage(PICTURE, SIZE, new AbortController().signal);
const overheads = await measureOverheads(
  network,
  { image },
  { ...engineOptions, engines, rounds, warmUps: WARM_UPS },
);

if (json) {
  console.log(JSON.stringify({ device: engine.device, fullMs, overheads, cells }, undefined, 2));
} else {
  console.log(
    `\nMobileNetV2 on ${engine.device}: read and decode an image, classify it. Complete run ${formatMs(fullMs)}.`,
  );
  console.log(
    `Medians of ${repeats} runs (event-loop gap: the largest). ` +
      `Overhead: the network alone, complete, median of ${engines * rounds} rounds (p5 … p95).\n`,
  );
  console.log(formatCells(cells, overheads));
  console.log(`\n${describe(cells)}`);
  console.log(
    `\nWrote ${TIMELINE_FILE}: a run in mode '${recorded.mode}' with a timeout of ${recorded.timeoutMs} ms, ` +
      `${recorded.outcome} after ${recorded.nodesCompleted} of ${recorded.nodesTotal} nodes.`,
  );
  console.log('Open it at https://ui.perfetto.dev or chrome://tracing.');
}
