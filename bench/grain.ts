/**
 * What does precision cost where a device computes many nodes faster as one call?
 *
 * TensorFlow fuses and folds what it is given at once. A cancellation point cuts what it is given. So the finer a run can be
 * stopped, the less TensorFlow can do: from `'none'` (the network as one call) over `{ precisionMs }` (chunks that take no
 * longer than the precision allows) to `'node'`. Beside them, on the main thread: the graph that Curfew writes for
 * `'none'`, called without engine, stream and copies between threads, and tfjs-node as its users call it, kernel by kernel.
 * The first says what Curfew's threads cost, not how fast a SavedModel is that somebody else has exported.
 *
 * Expected, from a trial without Curfew: `'none'` at most 1.15 × its graph on the main thread, and 3 × as fast as kernel by
 * kernel; `{ precisionMs: 5 }` at most 1.15 × of `'none'` with 99 of 100 runs at most 6 ms late; `{ precisionMs: 2 }` at most 1.4 ×
 * and 3 ms; `'node'` at most 0.65 × of kernel by kernel.
 *
 * Needs the tensorflow device (`npm run setup:tensorflow`). Run `node dist/bench/grain.js [--smoke]`. Draws the curve into
 * `bench/grain/curve.svg`.
 */
import { writeFileSync } from 'node:fs';
import { enableProdMode, setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import {
  type CancellationOption,
  createEngine,
  DeadlineExceededError,
  type Executable,
  type Graph,
  trace,
} from '../runtime/index.js';
import { drawCurve } from './grain/curve.js';
import { graphOnMainThread, kernelByKernel, type Peer } from './grain/peers.js';
import {
  alternate,
  type Finding,
  printFindings,
  printHeading,
  progress,
  ratioOf,
  repetitions,
  type Summary,
  smoke,
  summarize,
} from './harness.js';
import { buildMobileNetV2 } from './models/mobilenet-v2.js';
import { buildResNet50 } from './models/resnet50.js';
import { seededUniform, spread } from './models/weights.js';
import { formatMs, formatTable } from './table.js';

const SIZE = 224;
const IMAGE = [1, SIZE, SIZE, 3] as const;
const ROUNDS = repetitions(40, 2);
const STOPS = repetitions(100, 3);
const CURVE_FILE = 'bench/grain/curve.svg';

/** A notch of the dial. */
interface Notch {
  readonly name: string;
  readonly mode: CancellationOption;
  /** What is expected of it: time against `'none'`, and 99 of 100 runs at most so late. */
  readonly mostTime?: number;
  readonly mostLateMs?: number;
}

const NOTCHES: readonly Notch[] = [
  { name: 'none', mode: 'none' },
  { name: '20 ms', mode: { precisionMs: 20 } },
  { name: '10 ms', mode: { precisionMs: 10 } },
  { name: '5 ms', mode: { precisionMs: 5 }, mostTime: 1.15, mostLateMs: 6 },
  { name: '2 ms', mode: { precisionMs: 2 }, mostTime: 1.4, mostLateMs: 3 },
  { name: '1 ms', mode: { precisionMs: 1 } },
  { name: 'node', mode: 'node' },
];

const NETWORKS: Readonly<Record<string, () => LayersModel>> = {
  MobileNetV2: () => buildMobileNetV2(),
  'ResNet-50': () => buildResNet50(),
};

/** What was seen of one notch. */
interface Seen {
  readonly notch: Notch;
  readonly chunks: number;
  readonly longestMs: number;
  readonly times: readonly number[];
  readonly lateness: Summary | undefined;
}

interface Network {
  readonly graph: Graph;
  readonly predict: (image: never) => never;
}

async function traced(model: LayersModel): Promise<Network> {
  const graph = await trace(({ image }) => ({ y: model.predict(image) as typeof image }), {
    image: { dtype: 'float32', shape: IMAGE },
  });
  return { graph, predict: ((image: never) => model.predict(image)) as unknown as Network['predict'] };
}

const elapsed = async (work: () => unknown): Promise<number> => {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
};

/** Chunks of a run, a node by itself counting as one, and the longest. */
async function chunksOf(executable: Executable, feeds: object, mode: CancellationOption) {
  const { timeline } = await executable.run(feeds as never, { cancellation: mode, timeline: true });
  const spans = timeline!.spans.filter(({ kind }) => kind === 'chunk');
  const alone = timeline!.nodes.filter(({ isEstimated }) => !isEstimated);
  const times = [...spans, ...alone].map(({ startMs, endMs }) => endMs - startMs);
  return { chunks: times.length, longestMs: Math.max(...times) };
}

async function latenessOf(executable: Executable, feeds: object, mode: CancellationOption, fullMs: number) {
  const next = seededUniform(1);
  const samples: number[] = [];
  for (let stop = 0; stop < STOPS; stop++) {
    const timeoutMs = fullMs * (0.5 + 0.4 * next());
    try {
      await executable.run(feeds as never, { cancellation: mode, timeoutMs });
    } catch (error) {
      if (!(error instanceof DeadlineExceededError)) throw error;
      samples.push(error.report.latenessMs!);
    }
  }
  return samples.length === 0 ? undefined : summarize(samples);
}

async function measure(name: string, build: () => LayersModel) {
  progress(`${name}: building and tracing it`);
  await setBackend('cpu');
  const model = build();
  const { graph, predict } = await traced(model);
  const image = spread(seededUniform(2), SIZE * SIZE * 3, 0, 1);
  await using engine = await createEngine({ device: 'tensorflow' });
  progress(`${name}: compiling it in ${NOTCHES.length} modes`);
  const startMs = performance.now();
  const executable = await engine.compile(graph, { name, modes: NOTCHES.map(({ mode }) => mode) });
  const compileMs = performance.now() - startMs;
  const onMainThread = await graphOnMainThread(graph);
  const kernels = kernelByKernel(predict as never, [...IMAGE]);
  const feeds = { image };
  const run = (mode: CancellationOption) => () =>
    elapsed(() => executable.run(feeds as never, { cancellation: mode }));
  const peer = (work: Peer) => () => elapsed(() => work(image));
  progress(`${name}: ${ROUNDS} rounds, all sides taking turns`);
  const sides = {
    onMainThread: peer(onMainThread),
    kernels: peer(kernels),
    ...Object.fromEntries(NOTCHES.map(({ name: notch, mode }) => [notch, run(mode)])),
  };
  const samples: Record<string, number[]> = await alternate(sides, { warmUps: 4, rounds: ROUNDS });
  const seen: Seen[] = [];
  for (const notch of NOTCHES) {
    progress(`${name}: ${STOPS} deadlines in mode ${notch.name}`);
    const fullMs = summarize(samples[notch.name]!).median;
    seen.push({
      notch,
      ...(await chunksOf(executable, feeds, notch.mode)),
      times: samples[notch.name]!,
      lateness: await latenessOf(executable, feeds, notch.mode, fullMs),
    });
  }
  const bytes = engine.stats().bytes.constants;
  model.dispose();
  return {
    name,
    seen,
    onMainThread: samples['onMainThread']!,
    kernels: samples['kernels']!,
    compileMs,
    bytes,
  };
}

type Measured = Awaited<ReturnType<typeof measure>>;

const formatRatio = ({ median, p5, p95 }: Summary) =>
  `${median.toFixed(2)} (${p5.toFixed(2)}–${p95.toFixed(2)})`;

function formatMeasured({ seen, onMainThread, kernels }: Measured): string {
  const none = seen[0]!.times;
  const rows = seen.map(({ notch, chunks, longestMs, times, lateness }) => [
    notch.name,
    `${chunks}`,
    formatMs(longestMs),
    formatMs(summarize(times).median),
    formatRatio(ratioOf(times, none)),
    lateness === undefined ? '' : formatMs(lateness.median),
    lateness === undefined ? '' : formatMs(lateness.p99),
  ]);
  const peers = [
    [
      "'none' on the main thread",
      '1',
      '',
      formatMs(summarize(onMainThread).median),
      formatRatio(ratioOf(onMainThread, none)),
      '',
      '',
    ],
    [
      'tfjs-node, kernel by kernel',
      '',
      '',
      formatMs(summarize(kernels).median),
      formatRatio(ratioOf(kernels, none)),
      '',
      '',
    ],
  ];
  return formatTable(
    ['mode', 'chunks', 'longest', 'time', "against 'none'", 'late p50', 'late p99'],
    [...rows, ...peers],
  );
}

function findingsOf({ name, seen, onMainThread, kernels }: Measured): Finding[] {
  const find = (notch: string) => seen.find((one) => one.notch.name === notch)!;
  const none = find('none').times;
  const most = (what: string, ratio: Summary, bound: number): Finding => ({
    what: `${name}: ${what}`,
    expected: `≤ ${bound} ×`,
    measured: formatRatio(ratio),
    met: ratio.median <= bound,
  });
  const faster = ratioOf(kernels, none);
  return [
    most("'none' against its graph on the main thread", ratioOf(none, onMainThread), 1.15),
    {
      what: `${name}: kernel by kernel against 'none'`,
      expected: '≥ 3 ×',
      measured: formatRatio(faster),
      met: faster.median >= 3,
    },
    most("'node' against kernel by kernel", ratioOf(find('node').times, kernels), 0.65),
    ...seen.flatMap(({ notch, times, lateness }): Finding[] => {
      if (notch.mostTime === undefined) return [];
      return [
        most(`${notch.name} against 'none'`, ratioOf(times, none), notch.mostTime),
        {
          what: `${name}: ${notch.name}, late`,
          expected: `p99 ≤ ${notch.mostLateMs} ms`,
          measured: lateness === undefined ? 'no stop' : formatMs(lateness.p99),
          met: lateness !== undefined && lateness.p99 <= notch.mostLateMs!,
        },
      ];
    }),
  ];
}

printHeading(
  'What does precision cost where many nodes are faster as one call?',
  "one call in mode 'none', shorter chunks the finer a run can be stopped; see the head of this file.",
  "TensorFlow's kernels",
);
enableProdMode();
const measured: Measured[] = [];
for (const [name, build] of Object.entries(NETWORKS).slice(0, smoke ? 1 : undefined)) {
  const one = await measure(name, build);
  measured.push(one);
  console.log(
    `\n${name}: compiled in ${formatMs(one.compileMs)}, constants of all levels ${(one.bytes / 2 ** 20).toFixed(0)} MiB`,
  );
  console.log(formatMeasured(one));
}
printFindings(measured.flatMap(findingsOf));
if (!smoke) {
  writeFileSync(CURVE_FILE, drawCurve(measured));
  progress(`the curve is in ${CURVE_FILE}`);
}
