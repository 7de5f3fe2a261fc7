/** Checks of a queueing device's marks. */
import { yieldToEventLoop } from '../../scheduler/clock.js';
import type { DeviceTensor } from '../../scheduler/kernel.js';
import type { Tensor } from '../../scheduler/tensor.js';
import type { Fences, Mark, WorkQueue } from '../../scheduler/work-queue.js';
import { type Bench, type BenchNode, onBench } from './bench.js';
import { carrierOn, fanOut } from './carrier.js';
import { check, checkSame } from './check-failure.js';
import type { CheckWork } from './device-check.js';
import { referenceOf } from './nodes.js';
import type { Subject } from './options.js';
import { checkTensor, randomOf, randomTensor } from './tensors.js';

const SHAPE = [4, 5];

/** Turns of the event loop that work of a few elements gets to end by itself. */
const TURNS = 200;

/** A check of queueing devices, or of those with one kind of fences. */
export const onQueue =
  (work: (bench: Bench, queue: WorkQueue, subject: Subject) => Promise<void>, only?: Fences): CheckWork =>
  (subject) =>
    onBench(subject, async (bench) => {
      const { queue } = bench.backend;
      if (queue === undefined) return 'the device has no queue';
      if (only !== undefined && queue.fences !== only) return `the device's fences are '${queue.fences}'`;
      await work(bench, queue, subject);
      return undefined;
    });

/** One node submitted, and what it will have made. */
interface Submitted {
  readonly mark: Mark;
  readonly output: DeviceTensor;
  readonly expected: Tensor;
}

async function submitNode(bench: Bench, { node, run }: BenchNode, tensor: Tensor): Promise<Submitted> {
  const [output] = run(fanOut(node, bench.upload(tensor)));
  const mark = (await bench.submit()) as Mark;
  return { mark, output: output!, expected: referenceOf(node, fanOut(node, tensor))[0]! };
}

/** Nodes submitted one after the other. */
async function submitSeveral(bench: Bench, { options }: Subject, count: number): Promise<Submitted[]> {
  const carrier = carrierOn(bench, SHAPE);
  const random = randomOf(options);
  const submitted: Submitted[] = [];
  for (let index = 0; index < count; index++)
    submitted.push(
      await submitNode(bench, carrier, randomTensor({ dtype: 'float32', shape: SHAPE }, random)),
    );
  return submitted;
}

const marksIncrease = onQueue(async (bench, _queue, subject) => {
  const marks = (await submitSeveral(bench, subject, 10)).map(({ mark }) => mark);
  marks.slice(1).forEach((mark, index) => {
    check(mark > marks[index]!, 'the mark behind more work', `above ${marks[index]}`, mark);
  });
  const empty = (await bench.submit()) as Mark;
  check(empty >= marks[9]!, 'the mark of a submit without work', `${marks[9]} or above`, empty);
  await bench.wait(empty);
});

const reachedAfterWait = onQueue(async (bench, queue, subject) => {
  const submitted = await submitSeveral(bench, subject, 6);
  for (const [index, { mark, output, expected }] of submitted.entries()) {
    await bench.wait(mark);
    for (const earlier of submitted.slice(0, index + 1))
      checkSame(`reached(${earlier.mark}) after wait(${mark})`, queue.reached(earlier.mark), true);
    checkTensor(`the output of node ${index}`, await bench.read(output), expected, subject.options);
    checkSame(`wait(${mark}) once more: whether it took waiting`, await bench.wait(mark), false);
  }
});

const lastFirst = onQueue(async (bench, queue, subject) => {
  const submitted = await submitSeveral(bench, subject, 6);
  const last = submitted.at(-1)!.mark;
  await bench.wait(last);
  for (const [index, { mark, output, expected }] of submitted.entries()) {
    checkSame(`reached(${mark}) after wait(${last})`, queue.reached(mark), true);
    checkTensor(`the output of node ${index}`, await bench.read(output), expected, subject.options);
  }
});

/** A stream's thread does not wait for a mark that is reached, and reads at once. */
const readWhenReached = onQueue(async (bench, queue, subject) => {
  const submitted = await submitSeveral(bench, subject, 4);
  for (const [index, { mark, output, expected }] of submitted.entries()) {
    for (let turn = 0; turn < TURNS && !queue.reached(mark); turn++) await yieldToEventLoop();
    const known = queue.reached(mark);
    await bench.pass(mark);
    const what = `the output of node ${index}, its mark ${known ? 'found reached' : 'waited for'}`;
    checkTensor(what, await bench.read(output), expected, subject.options);
  }
});

const drainsAll = onQueue(async (bench, queue, subject) => {
  const submitted = await submitSeveral(bench, subject, 6);
  await bench.wait(submitted[0]!.mark);
  for (const [index, { mark, output, expected }] of submitted.entries()) {
    checkSame(`reached(${mark}) after a wait for the first mark`, queue.reached(mark), true);
    checkTensor(`the output of node ${index}`, await bench.read(output), expected, subject.options);
  }
}, 'all');

/** A tensor is released when its last use is submitted; what takes its place must not be seen by that use. */
const releasedInFlight = onQueue(async (bench, _queue, subject) => {
  const random = randomOf(subject.options);
  const spec = { dtype: 'float32', shape: SHAPE } as const;
  const { node, run } = carrierOn(bench, SHAPE);
  const outputs: { readonly output: DeviceTensor; readonly expected: Tensor }[] = [];
  for (let round = 0; round < 8; round++) {
    await bench.drain();
    const tensor = randomTensor(spec, random);
    const first = bench.upload(tensor);
    const [second] = run(fanOut(node, first));
    await bench.submit();
    // In some rounds the device has begun by then.
    for (let turn = 0; turn < round % 4; turn++) await yieldToEventLoop();
    bench.release(first);
    const [third] = run(fanOut(node, second!));
    await bench.submit();
    bench.release(second!);
    bench.release(bench.upload(randomTensor(spec, random)));
    const [between] = referenceOf(node, fanOut(node, tensor));
    outputs.push({ output: third!, expected: referenceOf(node, fanOut(node, between!))[0]! });
  }
  await bench.drain();
  for (const [round, { output, expected }] of outputs.entries())
    checkTensor(`the result of round ${round}`, await bench.read(output), expected, subject.options);
});

/** The first mark is waited for, so that what is deferred under it is handed over. */
const deferred = onQueue(async (bench, queue, { options }) => {
  const { node, run } = carrierOn(bench, SHAPE);
  const random = randomOf(options);
  const outputs: Submitted[] = [];
  for (let index = 0; index < 5; index++) {
    const tensor = randomTensor({ dtype: 'float32', shape: SHAPE }, random);
    const [output] = run(fanOut(node, bench.upload(tensor)));
    const mark = (await bench.submit(true)) as Mark;
    outputs.push({ mark, output: output!, expected: referenceOf(node, fanOut(node, tensor))[0]! });
  }
  outputs.slice(1).forEach(({ mark }, index) => {
    const before = outputs[index]!.mark;
    check(mark >= before, 'the mark behind more deferred work', `${before} or above`, mark);
  });
  const last = outputs.at(-1)!.mark;
  await bench.wait(outputs[0]!.mark);
  await bench.pass(last);
  checkSame('reached() of the last mark after its wait', queue.reached(last), true);
  for (const { output, expected } of outputs)
    checkTensor('a deferred output', await bench.read(output), expected, options);
});

/** Checks by name. */
export const QUEUE_CHECKS: Readonly<Record<string, CheckWork>> = Object.freeze({
  'queue: marks increase with the work, and never decrease': marksIncrease,
  'queue: a wait reaches its mark and all before it, and values are there': reachedAfterWait,
  'queue: the last mark first': lastFirst,
  'queue: a value can be read as soon as its mark is reached': readWhenReached,
  'queue: work that may be deferred is over when its mark is waited for': deferred,
  "queue: fences 'all' drain everything submitted": drainsAll,
  'queue: what is released in flight stays until its last use is over': releasedInFlight,
});
