/** Checks of devices that execute several nodes as one call. */

import type { NodeId, ValueId } from '../../scheduler/graph.js';
import type { Chunk, ChunkCompiler, ProgramNode, ValueTable } from '../../scheduler/kernel.js';
import { byteLength, type Tensor } from '../../scheduler/tensor.js';
import { Bench, onBench } from './bench.js';
import { carrierOn, fanOut } from './carrier.js';
import { check, checkCode, checkSame, errorOf } from './check-failure.js';
import type { CheckWork } from './device-check.js';
import { referenceOf } from './nodes.js';
import type { Subject } from './options.js';
import { checkTensor, randomOf, randomTensor } from './tensors.js';

const SHAPE = [3, 4];
const BYTES = byteLength({ dtype: 'float32', shape: SHAPE });
/** Room for what recording takes, an input and two outputs, and for nothing beside it. */
const LIMIT_BYTES = 3.5 * BYTES;
/** Places in the table: what goes in, what is between the two nodes, what comes out. */
const [INPUT, BETWEEN, OUTPUT] = [0, 1, 2] as readonly number[] as readonly [ValueId, ValueId, ValueId];

/** The same node twice, one after the other. */
function pairOf(carrier: ProgramNode): readonly [ProgramNode, ProgramNode] {
  const at = (id: number, from: ValueId, to: ValueId): ProgramNode => ({
    ...carrier,
    id: id as NodeId,
    name: `carrier ${id}`,
    inputs: fanOut(carrier, from),
    outputs: [to],
  });
  return [at(0, INPUT, BETWEEN), at(1, BETWEEN, OUTPUT)];
}

/** What the pair makes of a tensor. */
function expectedOf([first, second]: readonly [ProgramNode, ProgramNode], tensor: Tensor): Tensor {
  const [between] = referenceOf(first, fanOut(first, tensor));
  return referenceOf(second, fanOut(second, between!))[0]!;
}

/** A bench on which two nodes have been recorded. */
interface ChunkBench {
  readonly bench: Bench;
  readonly pair: readonly [ProgramNode, ProgramNode];
  readonly input: Tensor;
  /** A chunk of both nodes. */
  compile(constants: ValueTable): Chunk;
}

/** Records both nodes; what that leaves in the table is what their `run` would. */
function recordPair(
  bench: Bench,
  compiler: ChunkCompiler,
  pair: readonly ProgramNode[],
  input: Tensor,
): object[] | undefined {
  const uploaded = bench.upload(input);
  const values: ValueTable = [uploaded];
  const recordings = pair.map((node) => compiler.record(node, values));
  for (const value of [BETWEEN, OUTPUT]) {
    check(values[value] !== undefined, 'what record() leaves in the table', 'the outputs', 'nothing');
    bench.backend.release(values[value]!);
  }
  bench.release(uploaded);
  return recordings.every((recording) => recording !== undefined) ? recordings : undefined;
}

/** A reason where the device has no such chunks. */
function chunkBenchOn(bench: Bench, { options }: Subject): ChunkBench | string {
  const { chunks } = bench.backend;
  if (chunks === undefined) return 'the device executes each node by itself';
  const pair = pairOf(carrierOn(bench, SHAPE).node);
  const input = randomTensor(pair[0].inputSpecs[0]!, randomOf(options));
  const recordings = recordPair(bench, chunks, pair, input);
  if (recordings === undefined) return `chunks cannot hold ${pair[0].op}`;
  const nodes = pair.map((node, index) => ({ node, recording: recordings[index]! }));
  const compile = (constants: ValueTable) => chunks.compile({ nodes, outputs: [OUTPUT], constants });
  return { bench, pair, input, compile };
}

function onChunkBench(work: (on: ChunkBench) => Promise<void>, memoryLimitBytes?: number): CheckWork {
  return (subject: Subject) => {
    const onBoth = async (bench: Bench): Promise<string | undefined> => {
      const on = chunkBenchOn(bench, subject);
      if (typeof on === 'string') return on;
      await work(on);
      return undefined;
    };
    return onBench(subject, onBoth, memoryLimitBytes);
  };
}

function runOn(chunk: Chunk, values: ValueTable): void {
  const returned: unknown = chunk.run(values);
  // What it rejects with would be an error nobody handles.
  if (returned instanceof Promise) returned.catch(() => undefined);
  checkSame('what the run of a chunk returns', returned, undefined);
}

/** Runs the chunk on a table, and compares; what is inside the chunk never gets into the table. */
async function checkRun(
  { bench, pair }: ChunkBench,
  chunk: Chunk,
  values: ValueTable,
  expected: Tensor,
): Promise<void> {
  runOn(chunk, values);
  checkSame(`the value between ${pair[0].name} and ${pair[1].name}`, values[BETWEEN], undefined);
  const output = values[OUTPUT]!;
  checkTensor('the output of a chunk', await bench.read(output), expected, {});
  bench.backend.release(output);
}

async function checkValues(on: ChunkBench): Promise<void> {
  const { bench, pair, input, compile } = on;
  const chunk = compile([]);
  const uploaded = bench.upload(input);
  for (let run = 0; run < 2; run++) await checkRun(on, chunk, [uploaded], expectedOf(pair, input));
  checkTensor('the input afterwards', await bench.read(uploaded), input, { tolerance: 0 });
  chunk.release();
}

async function checkConstants(on: ChunkBench): Promise<void> {
  const { bench, pair, input, compile } = on;
  const constant = bench.upload(input);
  const before = bench.usedBytes;
  const chunk = compile([constant]);
  const held = bench.usedBytes - before;
  check(
    held === 0 || held >= byteLength(input),
    'bytes alive with a chunk of a constant',
    `none, or the constant's ${byteLength(input)} at least`,
    held,
  );
  await checkRun(on, chunk, [constant], expectedOf(pair, input));
  chunk.release();
  checkSame('bytes alive once the chunk is released', bench.usedBytes, before);
}

async function checkTwo(on: ChunkBench): Promise<void> {
  const { bench, pair, input, compile } = on;
  const [first, second] = [compile([]), compile([])];
  const uploaded = bench.upload(input);
  first.release();
  await checkRun(on, second, [uploaded], expectedOf(pair, input));
  second.release();
}

/** Takes all the memory but what one tensor takes. */
const fillOn = ({ bench, input }: ChunkBench) => [bench.upload(input), bench.upload(input)] as const;

async function checkRunLimit(on: ChunkBench): Promise<void> {
  const { bench, pair, input, compile } = on;
  const chunk = compile([]);
  const values: ValueTable = [bench.upload(input)];
  const filling = fillOn(on);
  const before = bench.usedBytes;
  checkCode(
    'a chunk whose output does not fit',
    errorOf(() => runOn(chunk, values)),
    'OUT_OF_MEMORY',
  );
  for (const value of [BETWEEN, OUTPUT])
    checkSame(`value ${value} of the table after it`, values[value], undefined);
  checkSame('liveBytes after it', bench.usedBytes, before);
  bench.release(...filling);
  await checkRun(on, chunk, values, expectedOf(pair, input));
  chunk.release();
}

/** A device may hold constants where they do not count, and then has room. */
async function checkCompileLimit(on: ChunkBench): Promise<void> {
  const { bench, pair, input, compile } = on;
  const constant = bench.upload(input);
  const filling = fillOn(on);
  const before = bench.usedBytes;
  const error = errorOf(() => compile([constant]).release());
  if (error !== undefined) checkCode('a chunk whose constant does not fit', error, 'OUT_OF_MEMORY');
  checkSame('liveBytes after it', bench.usedBytes, before);
  bench.release(...filling);
  const chunk = compile([]);
  await checkRun(on, chunk, [constant], expectedOf(pair, input));
  chunk.release();
}

const checkClose: CheckWork = async (subject) => {
  const bench = await Bench.open(subject);
  const on = chunkBenchOn(bench, subject);
  if (typeof on !== 'string') on.compile([bench.upload(on.input)]);
  bench.backend.close();
  if (typeof on === 'string') return on;
  const used = bench.usedBytes;
  check(used <= 0, 'bytes alive after close() with a chunk', 'none', used);
  return undefined;
};

/** Checks by name. */
export const CHUNK_CHECKS: Readonly<Record<string, CheckWork>> = Object.freeze({
  'chunks: give what their nodes give, run after run': onChunkBench(checkValues),
  'chunks: constants count while the chunk holds them': onChunkBench(checkConstants),
  'chunks: one is released, another goes on': onChunkBench(checkTwo),
  'chunks: a run beyond the limit is refused and leaves nothing': onChunkBench(checkRunLimit, LIMIT_BYTES),
  'chunks: one whose constants do not fit is refused and leaves nothing': onChunkBench(
    checkCompileLimit,
    LIMIT_BYTES,
  ),
  'chunks: close() frees them': checkClose,
});
