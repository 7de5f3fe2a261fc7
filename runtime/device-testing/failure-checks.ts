/** Checks of how failures of kernels surface. They need `failingNode`. */
import { yieldToEventLoop } from '../../scheduler/clock.js';
import type { DeviceTensor } from '../../scheduler/kernel.js';
import type { Tensor } from '../../scheduler/tensor.js';
import type { Fences, Mark, WorkQueue } from '../../scheduler/work-queue.js';
import { type Bench, type BenchNode, onBench } from './bench.js';
import { carrierOn, fanOut } from './carrier.js';
import { check, checkSame, errorOf, rejectionOf } from './check-failure.js';
import type { CheckWork } from './device-check.js';
import { referenceOf } from './nodes.js';
import type { Subject } from './options.js';
import { onQueue } from './queue-checks.js';
import { checkTensor, randomOf, randomTensor } from './tensors.js';

const SHAPE = [3, 3];
const NOT_TOLD = 'the options name no failingNode';

/** A node that is well and one that fails, on the same input. */
interface Pair {
  readonly well: BenchNode;
  readonly failing: BenchNode;
  readonly tensor: Tensor;
  readonly input: DeviceTensor;
}

function pairOn(bench: Bench, { options }: Subject): Pair {
  const tensor = randomTensor({ dtype: 'float32', shape: SHAPE }, randomOf(options));
  return {
    well: carrierOn(bench, SHAPE),
    failing: carrierOn(bench, SHAPE, options.failingNode),
    tensor,
    input: bench.upload(tensor),
  };
}

/** Submits one node; gives the mark behind it. */
async function submitOne(bench: Bench, { node, run }: BenchNode, input: DeviceTensor): Promise<Mark> {
  run(fanOut(node, input));
  return (await bench.submit()) as Mark;
}

/** A node after the failure is computed, and nothing is told of the failure again. */
async function checkNext(bench: Bench, { well, tensor, input }: Pair, subject: Subject): Promise<void> {
  const [output] = well.run(fanOut(well.node, input));
  await bench.drain();
  const [expected] = referenceOf(well.node, fanOut(well.node, tensor));
  checkTensor('a node after the failure', await bench.read(output!), expected!, subject.options);
}

const throwsInTheCall: CheckWork = async (subject) => {
  if (subject.options.failingNode === undefined) return NOT_TOLD;
  return onBench(subject, async (bench) => {
    if (bench.backend.queue !== undefined) return 'the device has a queue';
    const pair = pairOn(bench, subject);
    const used = bench.usedBytes;
    const error = errorOf(() => pair.failing.run(fanOut(pair.failing.node, pair.input)));
    check(error !== undefined, 'a failing node', 'an error', 'none');
    checkSame('liveBytes after a node that has thrown', bench.usedBytes, used);
    await checkNext(bench, pair, subject);
    return undefined;
  });
};

/** A check of failures on a queue. */
const ofFailures = (
  work: (bench: Bench, pair: Pair, queue: WorkQueue) => Promise<void>,
  only?: Fences,
): CheckWork => {
  const checked = onQueue(async (bench, queue, subject) => {
    const pair = pairOn(bench, subject);
    await work(bench, pair, queue);
    await checkNext(bench, pair, subject);
  }, only);
  return async (subject) => (subject.options.failingNode === undefined ? NOT_TOLD : checked(subject));
};

async function checkThrows(bench: Bench, mark: Mark, what: string): Promise<void> {
  const error = await rejectionOf(bench.wait(mark));
  check(error instanceof Error, what, 'an Error', error === undefined ? 'none' : error);
}

const surfacesOnce = ofFailures(async (bench, { well, failing, input }) => {
  const before = await submitOne(bench, well, input);
  const mark = await submitOne(bench, failing, input);
  const behind = await submitOne(bench, well, input);
  if (bench.backend.queue!.fences === 'each') await bench.wait(before);
  await checkThrows(bench, mark, 'a wait for the mark behind work that fails');
  await bench.wait(mark);
  await bench.wait(behind);
});

const surfacesBehind = ofFailures(async (bench, { well, failing, input }) => {
  await submitOne(bench, failing, input);
  const behind = await submitOne(bench, well, input);
  await checkThrows(bench, behind, 'a wait for a mark behind that of work that fails');
});

const surfacesInDrain = ofFailures(async (bench, { well, failing, input }) => {
  const before = await submitOne(bench, well, input);
  await submitOne(bench, failing, input);
  await checkThrows(bench, before, "a wait of fences 'all' that drains work that fails");
}, 'all');

/** A run ends with the first; a second must not be told to the next run. */
const severalAreOne = ofFailures(async (bench, { failing, input }) => {
  const marks: Mark[] = [];
  for (let index = 0; index < 3; index++) marks.push(await submitOne(bench, failing, input));
  await checkThrows(bench, marks.at(-1)!, 'a wait for work of which three pieces fail');
});

/** The thread would not wait for a mark that is reached, so nobody would ever learn of the failure. */
const notReachedUntold = ofFailures(async (bench, { well, failing, input }, queue) => {
  const mark = await submitOne(bench, failing, input);
  const behind = await submitOne(bench, well, input);
  for (const each of [mark, behind])
    for (let turn = 0; turn < 100; turn++) {
      checkSame('reached(mark) with a failure still to be thrown', queue.reached(each), false);
      await yieldToEventLoop();
    }
  await checkThrows(bench, behind, 'a wait for work that has failed meanwhile');
});

const spoiltIsReleased = ofFailures(async (bench, { well, failing, input }) => {
  const used = bench.usedBytes;
  const [spoilt] = failing.run(fanOut(failing.node, input));
  await bench.submit();
  const [after] = well.run(fanOut(well.node, spoilt!));
  const mark = (await bench.submit()) as Mark;
  await checkThrows(bench, mark, 'a wait for a node on the output of one that fails');
  bench.release(spoilt!, after!);
  checkSame('liveBytes once the outputs of failed work are released', bench.usedBytes, used);
});

/** Checks by name. */
export const FAILURE_CHECKS: Readonly<Record<string, CheckWork>> = Object.freeze({
  'failures: a node that throws in the call releases all it allocated': throwsInTheCall,
  'failures: work that fails is thrown by a wait for its mark, once': surfacesOnce,
  'failures: it is thrown by a wait for a later mark': surfacesBehind,
  "failures: fences 'all' throw it from whichever wait drains it": surfacesInDrain,
  'failures: several in one wait are told as one': severalAreOne,
  'failures: a mark is not reached while its failure is untold': notReachedUntold,
  'failures: outputs of failed work are released as others': spoiltIsReleased,
});
