/** Checks of the work that a queueing device times itself. */
import { sharedNowNs } from '../../scheduler/clock.js';
import type { DeviceTensor, TimedWork } from '../../scheduler/kernel.js';
import { byteLength, type TensorSpec } from '../../scheduler/tensor.js';
import { type Bench, onBench } from './bench.js';
import { carrierOn, fanOut } from './carrier.js';
import { check, checkSame } from './check-failure.js';
import type { CheckWork } from './device-check.js';
import { nodeOf } from './nodes.js';
import type { Subject } from './options.js';
import { randomOf, randomTensor } from './tensors.js';

const SPEC: TensorSpec = { dtype: 'float32', shape: [6, 2] };
const NODES = 5;

/** How far a device's clock may be off the shared one, in milliseconds. */
const SLACK_MS = 1;

type TimeWork = (onWork: ((work: TimedWork) => void) | undefined) => void;

const timed =
  (work: (bench: Bench, timeWork: TimeWork, subject: Subject) => Promise<void>): CheckWork =>
  (subject) =>
    onBench(subject, async (bench) => {
      const { backend } = bench;
      if (backend.queue === undefined) return 'the device has no queue';
      if (backend.timeWork === undefined) return 'the device does not time its work';
      await work(bench, (onWork) => backend.timeWork!(onWork), subject);
      return undefined;
    });

/** Two uploads, some nodes, two copies back. Gives the number of nodes: one of them may be a reshape, which moves nothing. */
async function workOn(bench: Bench, { options }: Subject): Promise<number> {
  const random = randomOf(options);
  const { node, run } = carrierOn(bench, SPEC.shape);
  const reshape = bench.prepare(nodeOf({ op: 'Reshape', inputs: { x: SPEC }, attributes: { shape: [12] } }));
  const inputs = [bench.upload(randomTensor(SPEC, random)), bench.upload(randomTensor(SPEC, random))];
  const outputs: DeviceTensor[] = [];
  for (let index = 0; index < NODES; index++) {
    outputs.push(...run(fanOut(node, inputs[index % 2]!)));
    await bench.submit();
  }
  if (reshape !== undefined) outputs.push(...reshape.run([inputs[0]!]));
  await bench.drain();
  await bench.read(outputs[0]!);
  await bench.read(outputs[1]!);
  bench.release(...inputs, ...outputs);
  return outputs.length;
}

function checkKind(work: readonly TimedWork[], kind: TimedWork['kind'], count: number, bytes: number): void {
  const ofKind = work.filter((each) => each.kind === kind);
  checkSame(`timed work of kind '${kind}'`, ofKind.length, count);
  for (const [index, each] of ofKind.entries()) {
    checkSame(`bytes of '${kind}'`, each.bytes, bytes);
    check(each.endMs >= each.startMs, `the end of '${kind}'`, `${each.startMs} or later`, each.endMs);
    const before = ofKind[index - 1];
    if (before !== undefined)
      check(each.startMs >= before.startMs, `starts of '${kind}'`, 'in order', [
        before.startMs,
        each.startMs,
      ]);
  }
}

const tellsAll = timed(async (bench, timeWork, subject) => {
  const nowMs = subject.options.nowMs ?? (() => Number(sharedNowNs()) / 1e6);
  const work: TimedWork[] = [];
  timeWork((each) => work.push(each));
  const startMs = nowMs() - SLACK_MS;
  const nodes = await workOn(bench, subject);
  const endMs = nowMs() + SLACK_MS;
  checkKind(work, 'copy-in', 2, byteLength(SPEC));
  checkKind(work, 'node', nodes, 0);
  checkKind(work, 'copy-out', 2, byteLength(SPEC));
  for (const each of work) {
    check(each.startMs >= startMs, 'startMs on the shared clock', `${startMs} or later`, each.startMs);
    check(each.endMs <= endMs, 'endMs on the shared clock', `${endMs} or earlier`, each.endMs);
  }
});

const tellsNoMore = timed(async (bench, timeWork, subject) => {
  let told = 0;
  timeWork(() => told++);
  await workOn(bench, subject);
  const before = told;
  timeWork(undefined);
  await workOn(bench, subject);
  checkSame('timed work after timeWork(undefined)', told, before);
});

/** Checks by name. */
export const TIMING_CHECKS: Readonly<Record<string, CheckWork>> = Object.freeze({
  'timeWork: each upload, node and read is told once, in order, before the wait that covers it ends':
    tellsAll,
  'timeWork: nothing is told any more once it is given undefined': tellsNoMore,
});
