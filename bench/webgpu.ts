/**
 * What does precision cost on a real queue, and how late is a run that is stopped?
 *
 * MobileNetV2 on the webgpu device, whatever GPU that finds. Submissions return at once there, so a stop leaves in flight what was
 * submitted: everything in mode `'none'`, half of the precision with `{ precisionMs }`, one node with `'node'`.
 *
 * Expected: outputs within 1e-3 of the reference; of 200 runs with random deadlines none later than the precision + the longest
 * node + 2 ms (for the way to the caller), where `'node'` has a precision of 0; and the finer, the more a run takes: a submission
 * and a wait for each node cost some 50 µs together. On software Vulkan the CPU is the GPU: what is spun away waiting is taken from
 * it, and other programs' time shows in every figure.
 *
 * Needs the webgpu device (`npm run setup:webgpu`). Run `node dist/bench/webgpu.js [--smoke]`.
 */
import { enableProdMode, setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { interpret } from '../kernels/reference/interpret.js';
import {
  type CancellationOption,
  createEngine,
  DeadlineExceededError,
  type Executable,
  trace,
} from '../runtime/index.js';
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
  timeMs,
} from './harness.js';
import { buildMobileNetV2 } from './models/mobilenet-v2.js';
import { seededUniform, spread } from './models/weights.js';
import { longestNodeMs } from './node-times.js';
import { formatMs, formatTable } from './table.js';

const SIZE = smoke ? 96 : 224;
const SPEC = { dtype: 'float32', shape: [1, SIZE, SIZE, 3] } as const;
const ROUNDS = repetitions(30, 2);
const STOPS = repetitions(200, 3);
const TOLERANCE = 1e-3;
/** From the end of the work to the caller. */
const ALLOWANCE_MS = 2;

interface Mode {
  readonly name: string;
  readonly option: CancellationOption;
  /** Undefined where nothing is promised. */
  readonly precisionMs?: number;
}

const MODES: readonly Mode[] = [
  { name: 'none', option: 'none' },
  { name: '16 ms', option: { precisionMs: 16 }, precisionMs: 16 },
  { name: '4 ms', option: { precisionMs: 4 }, precisionMs: 4 },
  { name: '1 ms', option: { precisionMs: 1 }, precisionMs: 1 },
  { name: 'node', option: 'node', precisionMs: 0 },
];

async function latenessOf(executable: Executable, feeds: object, mode: Mode, fullMs: number) {
  const next = seededUniform(1);
  const samples: number[] = [];
  for (let stop = 0; stop < STOPS; stop++) {
    const timeoutMs = fullMs * (0.5 + 0.45 * next());
    try {
      await executable.run(feeds as never, { cancellation: mode.option, timeoutMs });
    } catch (error) {
      if (!(error instanceof DeadlineExceededError)) throw error;
      samples.push(error.report.latenessMs!);
    }
  }
  return samples.length === 0 ? undefined : summarize(samples);
}

function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  return Math.max(...Array.from(actual, (element, index) => Math.abs(element - expected[index]!)));
}

printHeading(
  'What does precision cost on a real queue, and how late is a run that is stopped?',
  `none later than the precision + the longest node + ${ALLOWANCE_MS} ms; see the head of this file.`,
  "TensorFlow.js's WebGPU kernels on Dawn",
);
progress('building and tracing MobileNetV2');
enableProdMode();
await setBackend('cpu');
const model = buildMobileNetV2({ size: SIZE, alpha: smoke ? 0.5 : 1 });
const graph = await trace(({ image }) => ({ y: model.predict(image) as typeof image }), { image: SPEC });
model.dispose();
const image = spread(seededUniform(2), SIZE * SIZE * 3, 0, 1);
const feeds = { image };

await using engine = await createEngine({ device: 'webgpu' });
console.log(`GPU: ${engine.stats().streams[0]!.hardware}`);
progress('compiling it, and its shaders');
let executable!: Executable;
const compileMs = await timeMs(async () => {
  executable = await engine.compile(graph, { name: 'MobileNetV2' });
});
const firstMs = await timeMs(() => executable.run(feeds));
progress(`${ROUNDS} rounds, all modes taking turns`);
const sides = Object.fromEntries(
  MODES.map(({ name, option }) => [
    name,
    () => timeMs(() => executable.run(feeds, { cancellation: option })),
  ]),
);
const samples: Record<string, number[]> = await alternate(sides, { warmUps: 4, rounds: ROUNDS });
const longestMs = await longestNodeMs(executable, feeds, 5);
const lateness = new Map<string, Summary | undefined>();
for (const mode of MODES) {
  progress(`${STOPS} deadlines in mode ${mode.name}`);
  const fullMs = summarize(samples[mode.name]!).median;
  lateness.set(mode.name, await latenessOf(executable, feeds, mode, fullMs));
}
const { outputs } = await executable.run(feeds);
progress('computing the reference');
const reference = await interpret(graph, { image: { ...SPEC, data: image } });
const difference = largestDifference(outputs['y']!.data, reference['y']!.data);

const none = samples['none']!;
console.log(
  formatTable(
    ['mode', 'time', "against 'none'", 'late p50', 'late p99', 'late max'],
    MODES.map(({ name }) => {
      const { median, p5, p95 } = ratioOf(samples[name]!, none);
      const late = lateness.get(name);
      const ratio = `${median.toFixed(2)} × (${p5.toFixed(2)}–${p95.toFixed(2)})`;
      const cells = late === undefined ? ['', '', ''] : [late.median, late.p99, late.max].map(formatMs);
      return [name, formatMs(summarize(samples[name]!).median), ratio, ...cells];
    }),
  ),
);
const late = MODES.flatMap(({ name, precisionMs }): Finding[] => {
  const seen = lateness.get(name);
  if (precisionMs === undefined || seen === undefined) return [];
  const boundMs = precisionMs + longestMs + ALLOWANCE_MS;
  return [
    {
      what: `${name}: latest of ${STOPS} deadlines`,
      expected: `≤ ${formatMs(boundMs)}`,
      measured: formatMs(seen.max),
      met: seen.max <= boundMs,
    },
  ];
});
const firstRatio = firstMs / summarize(none).median;
printFindings([
  {
    what: 'largest difference from the reference',
    expected: `≤ ${TOLERANCE}`,
    measured: difference.toExponential(1),
    met: difference <= TOLERANCE,
  },
  { what: 'compiling, shaders included', expected: '', measured: formatMs(compileMs) },
  { what: 'longest node', expected: '', measured: formatMs(longestMs) },
  {
    what: "the first run against the median in mode 'none'",
    expected: '≤ 2 ×',
    measured: `${firstRatio.toFixed(2)} ×`,
    met: firstRatio <= 2,
  },
  ...late,
]);
