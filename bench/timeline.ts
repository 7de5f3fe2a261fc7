/**
 * What does recording a timeline cost per node?
 *
 * Measured: a chain of 1000 `Add`s on 16 floats, where hardly anything but dispatch counts, with and without a recording,
 * in turns: once as a stream's thread executes it, here on this thread and without messages, and once as whole runs through
 * an engine (`report.durationMs`, from dispatch to settling), where rings and messages come on top. Each duration is the
 * least of a block of rounds; median and p5–p95 of the difference, over the nodes, are over blocks. Runs that do not record
 * take turns with themselves as well, which shows how much two equal sides differ here.
 *
 * Expected: at most 150 ns per node for one clock reading (40 to 70 ns) and seven stores; whole runs a little more; for
 * nothing recorded nothing, as that is one look at `undefined` per segment.
 *
 * Run `node dist/bench/timeline.js [--smoke]`.
 */
import { ProgramStore } from '../kernels/stream-worker/program-store.js';
import { createKernelBackend } from '../kernels/wasm/backend.js';
import { createEngine, type Engine, type RunOptions } from '../runtime/index.js';
import type { CancellationMode } from '../scheduler/cancellation.js';
import { createSystemClock } from '../scheduler/clock.js';
import { type ImmediateExecution, runSegment } from '../scheduler/node-loop.js';
import { writeConstants } from '../scheduler/plan/constants.js';
import { planGraph } from '../scheduler/plan-graph.js';
import { RecordRing } from '../scheduler/record-ring.js';
import { StreamTimeline } from '../scheduler/stream-timeline.js';
import { addChain, TINY_LENGTH } from './chains.js';
import {
  alternate,
  type Finding,
  leastOfBlocks,
  pairwise,
  printFindings,
  printHeading,
  progress,
  repetitions,
  type Side,
  type Summary,
} from './harness.js';

const NODES = 1000;
const ROUNDS = repetitions(1500, 4);
const BLOCK_ROUNDS = repetitions(30, 2);
const WARM_UPS = repetitions(100, 2);
const MAX_NS = 150;
const GRAPH = addChain(NODES);

const formatNs = ({ median, p5, p95 }: Summary): string =>
  `${median.toFixed(0)} ns (${p5.toFixed(0)}…${p95.toFixed(0)})`;

/** What a side costs above another per node, block by block. */
function addedNs(side: readonly number[], base: readonly number[]): Summary {
  const [sideMs, baseMs] = [side, base].map((samples) => leastOfBlocks(samples, BLOCK_ROUNDS));
  return pairwise(sideMs!, baseMs!, (a, b) => ((a - b) * 1e6) / NODES);
}

/** Executes the chain as a stream's thread does, but on this one. Returns milliseconds. */
async function chainOnThisThread() {
  const backend = await createKernelBackend({
    stream: 0,
    threads: 1,
    memoryLimitBytes: undefined,
    device: undefined,
  });
  const plan = planGraph(GRAPH, { streams: 1, placement: 'single' });
  const constants = new SharedArrayBuffer(plan.constantBytes);
  writeConstants(GRAPH, new Uint8Array(constants));
  const clock = createSystemClock();
  const store = new ProgramStore(backend, clock);
  store.load(0, plan.programs[0]!, constants);
  const { plain, template, runValues } = store.get(0);
  const { steps, costs } = plain;
  const control = { words: new Int32Array(new SharedArrayBuffer(4)), index: 0 };
  const input = new Uint8Array(TINY_LENGTH * Float32Array.BYTES_PER_ELEMENT);
  const [x] = GRAPH.inputValues.values();
  const { memory } = backend;
  const timelineHost = { clock, memory, constantBytes: plan.constantBytes };
  return (mode: CancellationMode, ring: RecordRing | undefined): number => {
    const timeline = ring && new StreamTimeline({ run: 1, ring: ring.buffer, copy: undefined }, timelineHost);
    const values = template.slice();
    values[x!] = backend.upload(GRAPH.inputs['x']!, input);
    const execution: ImmediateExecution = {
      steps,
      firstStep: 0,
      endStep: NODES,
      values,
      backend,
      control,
      clock,
      costs,
      timeline,
      copyOut: () => ({ tensor: ({ value }) => values[value]!, take: () => undefined, end: () => undefined }),
    };
    const startMs = clock.nowMs();
    runSegment(execution, mode);
    const ms = clock.nowMs() - startMs;
    for (const value of runValues) if (values[value] !== undefined) backend.release(values[value]);
    if (memory.liveBytes !== plan.constantBytes) throw new Error(`expected no tensor to be left`);
    return ms;
  };
}

async function measureThread(): Promise<Finding[]> {
  const execute = await chainOnThisThread();
  const ring = RecordRing.create(NODES);
  const findings: Finding[] = [];
  for (const kind of ['none', 'node'] as const) {
    progress(`on the stream's thread, mode '${kind}': ${ROUNDS} rounds of ${NODES} nodes`);
    const off: Side = () => execute({ kind }, undefined);
    const samples = await alternate(
      { off, again: off, on: () => execute({ kind }, ring) },
      { warmUps: WARM_UPS, rounds: ROUNDS },
    );
    const added = addedNs(samples.on, samples.off);
    findings.push(
      {
        what: `mode '${kind}', on the stream's thread: recording adds per node`,
        expected: `≤ ${MAX_NS} ns`,
        measured: formatNs(added),
        met: added.median <= MAX_NS,
      },
      {
        what: `mode '${kind}', on the stream's thread: not recording, against itself`,
        expected: 'about 0',
        measured: formatNs(addedNs(samples.again, samples.off)),
      },
    );
  }
  return findings;
}

async function measureRuns(engine: Engine): Promise<Finding[]> {
  const chain = await engine.compile(GRAPH, { name: 'chain' });
  const x = new Float32Array(TINY_LENGTH);
  const run = async (options: RunOptions) => (await chain.run({ x }, options)).report.durationMs;
  const whileEngineRecords: Side = async () => {
    engine.startTimeline({ maxRecords: 2 * NODES });
    const ms = await run({});
    engine.stopTimeline();
    return ms;
  };
  progress(`whole runs: ${ROUNDS} rounds of runs of ${NODES} nodes`);
  const off = () => run({});
  const samples = await alternate(
    { off, again: off, own: () => run({ timeline: true }), engine: whileEngineRecords },
    { warmUps: WARM_UPS, rounds: ROUNDS },
  );
  const finding = (what: string, side: readonly number[]): Finding => ({
    what: `whole runs: ${what}`,
    expected: '',
    measured: formatNs(addedNs(side, samples.off)),
  });
  return [
    finding('timeline: true adds per node', samples.own),
    finding("the engine's timeline adds per node", samples.engine),
    finding('not recording, against itself', samples.again),
  ];
}

printHeading(
  'What does recording a timeline cost per node?',
  `≤ ${MAX_NS} ns: one clock reading and seven stores. Nothing when off: one look at undefined per segment.`,
);
const onThread = await measureThread();
await using engine = await createEngine();
printFindings([...onThread, ...(await measureRuns(engine))]);
