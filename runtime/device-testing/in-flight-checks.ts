/** Checks that work is in flight where the contract says so: on ever larger nodes, until it takes long enough to be seen. */
import { createSystemClock } from '../../scheduler/clock.js';
import type { DeviceTensor } from '../../scheduler/kernel.js';
import type { Mark, WorkQueue } from '../../scheduler/work-queue.js';
import type { Bench, BenchNode } from './bench.js';
import { carrierOn, fanOut } from './carrier.js';
import { CheckFailure } from './check-failure.js';
import type { CheckWork } from './device-check.js';
import { nodeOf } from './nodes.js';
import { onQueue } from './queue-checks.js';
import { randomOf, randomTensor } from './tensors.js';

const NODES = 16;

/** Sides of the square matrices. */
const SIDES = [64, 128, 256, 512, 1024, 2048] as const;

/** Work of this many milliseconds that is over at once was not in flight: larger nodes would not show more. */
const LONG_MS = 200;

/** A node of this size: a product where the device has one, as it takes longest. */
function heavyNode(bench: Bench, side: number): BenchNode {
  const spec = { dtype: 'float32', shape: [side, side] } as const;
  const attributes = { transposeA: false, transposeB: false };
  const product = bench.prepare(nodeOf({ op: 'BatchMatMul', inputs: { a: spec, b: spec }, attributes }));
  return product ?? carrierOn(bench, [side, side]);
}

/** Submits nodes that all read one input; gives their marks. */
async function submitHeavy(bench: Bench, side: number): Promise<Mark[]> {
  const heavy = heavyNode(bench, side);
  const input = bench.upload(randomTensor({ dtype: 'float32', shape: [side, side] }, randomOf({})));
  const outputs: DeviceTensor[] = [];
  const marks: Mark[] = [];
  for (let index = 0; index < NODES; index++) {
    outputs.push(...heavy.run(fanOut(heavy.node, input)));
    marks.push((await bench.submit()) as Mark);
  }
  bench.release(input, ...outputs);
  return marks;
}

/** Tries larger and larger nodes until the observation is made, or the work takes so long that it never will. */
async function observe(bench: Bench, what: string, isSeen: (marks: readonly Mark[]) => Promise<boolean>) {
  const clock = createSystemClock();
  for (const side of SIDES) {
    const startMs = clock.nowMs();
    const marks = await submitHeavy(bench, side);
    const seen = await isSeen(marks);
    await bench.wait(marks.at(-1)!);
    if (seen) return;
    if (clock.nowMs() - startMs > LONG_MS) break;
  }
  throw new CheckFailure(what, 'false while the work goes on', 'true, whatever the work');
}

const notReachedAtOnce = (bench: Bench, queue: WorkQueue): Promise<void> =>
  observe(bench, 'reached(mark) right after the submit', async (marks) => !queue.reached(marks.at(-1)!));

const laterWorkStays = (bench: Bench, queue: WorkQueue): Promise<void> =>
  observe(bench, "fences 'each': reached(last mark) after a wait for the first", async (marks) => {
    await bench.wait(marks[0]!);
    return !queue.reached(marks.at(-1)!);
  });

const saysThatItWaits = (bench: Bench): Promise<void> =>
  observe(
    bench,
    'wait() for work in flight finding it over',
    async (marks) => await bench.wait(marks.at(-1)!),
  );

/** Checks by name. */
export const IN_FLIGHT_CHECKS: Readonly<Record<string, CheckWork>> = Object.freeze({
  'in flight: a mark is not reached before its work is over': onQueue(notReachedAtOnce),
  'in flight: a wait for work that goes on says that it waited': onQueue(saysThatItWaits),
  "in flight: fences 'each' leave later work in flight": onQueue(laterWorkStays, 'each'),
});
