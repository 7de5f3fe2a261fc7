/** Checks of what a device counts, shares, and refuses to allocate. */
import type { TensorSpec } from '../../scheduler/tensor.js';
import { byteLength } from '../../scheduler/tensor.js';
import { type Bench, type BenchNode, onBench } from './bench.js';
import { carrierOn, fanOut } from './carrier.js';
import { check, checkCode, checkSame, errorOf } from './check-failure.js';
import { always, type CheckWork } from './device-check.js';
import { nodeOf, referenceOf } from './nodes.js';
import type { Subject } from './options.js';
import { checkTensor, randomOf, randomTensor } from './tensors.js';

const SPEC: TensorSpec = { dtype: 'float32', shape: [32, 8] };
const BYTES = byteLength(SPEC);

async function checkCounts(subject: Subject): Promise<void> {
  await onBench(subject, async (bench) => {
    const random = randomOf(subject.options);
    const { node, run } = carrierOn(bench, SPEC.shape);
    const before = bench.usedBytes;
    const input = bench.upload(randomTensor(SPEC, random));
    check(bench.usedBytes - before >= BYTES, 'liveBytes after an upload', `${BYTES} more`, bench.usedBytes);
    const outputs = run(fanOut(node, input));
    const both = bench.usedBytes - before;
    check(both >= 2 * BYTES, 'liveBytes with a kernel output beside its input', `${2 * BYTES} more`, both);
    await bench.drain();
    bench.release(input, ...outputs);
    checkSame('liveBytes after the releases, nothing in flight', bench.usedBytes, before);
    const peak = bench.backend.memory.peakBytes;
    check(peak >= both, 'peakBytes after the releases', `${both} or more`, peak);
  });
}

/** Nodes repeated many times keep nothing. */
async function checkNoGrowth(subject: Subject): Promise<void> {
  await onBench(subject, async (bench) => {
    const random = randomOf(subject.options);
    const { node, run } = carrierOn(bench, SPEC.shape);
    const before = bench.usedBytes;
    for (let round = 0; round < 50; round++) {
      const input = bench.upload(randomTensor(SPEC, random));
      const outputs = run(fanOut(node, input));
      await bench.drain();
      bench.release(input, ...outputs);
      checkSame(`liveBytes after round ${round}`, bench.usedBytes, before);
    }
  });
}

/** `Reshape` may share its input's memory, which then stays until both are gone. */
const sharing =
  (first: 'input' | 'output'): CheckWork =>
  (subject) =>
    onBench(subject, async (bench) => {
      const reshape = bench.prepare(
        nodeOf({ op: 'Reshape', inputs: { x: SPEC }, attributes: { shape: [16, 16] } }),
      );
      if (reshape === undefined) return 'the device has no kernel for Reshape';
      const tensor = randomTensor(SPEC, randomOf(subject.options));
      const before = bench.usedBytes;
      const input = bench.upload(tensor);
      const output = reshape.run([input])[0]!;
      await bench.drain();
      const [gone, kept] = first === 'input' ? [input, output] : [output, input];
      bench.release(gone);
      // What might take its place if it were freed.
      bench.release(bench.upload(randomTensor(SPEC, randomOf({ seed: 2 }))));
      check(
        bench.usedBytes - before >= BYTES,
        'liveBytes of what is left',
        `${BYTES} or more`,
        bench.usedBytes,
      );
      await bench.drain();
      const expected = { ...tensor, shape: kept.shape };
      checkTensor(`the other, its ${first} released`, await bench.read(kept), expected, subject.options);
      bench.release(kept);
      checkSame('liveBytes when both are released', bench.usedBytes, before);
      return undefined;
    });

async function checkUsable(bench: Bench, subject: Subject, { node, run }: BenchNode): Promise<void> {
  const tensor = randomTensor(SPEC, randomOf(subject.options));
  const input = bench.upload(tensor);
  const output = run(fanOut(node, input))[0]!;
  await bench.drain();
  const [expected] = referenceOf(node, fanOut(node, tensor));
  checkTensor('a node after the lack of memory', await bench.read(output), expected!, subject.options);
  bench.release(input, output);
}

async function checkUploadLimit(subject: Subject): Promise<void> {
  const work = async (bench: Bench) => {
    const big = randomTensor({ dtype: 'float32', shape: [BYTES] }, randomOf(subject.options));
    checkCode(
      'upload() beyond memoryLimitBytes',
      errorOf(() => bench.upload(big)),
      'OUT_OF_MEMORY',
    );
    checkSame('liveBytes after it', bench.usedBytes, 0);
    await checkUsable(bench, subject, carrierOn(bench, SPEC.shape));
  };
  await onBench(subject, work, 3 * BYTES);
}

async function checkKernelLimit(subject: Subject): Promise<void> {
  const work = async (bench: Bench) => {
    const carrier = carrierOn(bench, SPEC.shape);
    const random = randomOf(subject.options);
    const inputs = [bench.upload(randomTensor(SPEC, random)), bench.upload(randomTensor(SPEC, random))];
    const used = bench.usedBytes;
    const error = errorOf(() => carrier.run(fanOut(carrier.node, inputs[0]!)));
    checkCode('a prepared node beyond memoryLimitBytes', error, 'OUT_OF_MEMORY');
    checkSame('liveBytes after it', bench.usedBytes, used);
    bench.release(...inputs);
    await bench.drain();
    await checkUsable(bench, subject, carrier);
  };
  await onBench(subject, work, 2.5 * BYTES);
}

/** There is room for the first output and not for all. */
const checkSecondOutput: CheckWork = (subject) => {
  const work = async (bench: Bench) => {
    const call = { op: 'SplitV', inputs: { x: SPEC }, attributes: { numOrSizeSplits: [8, 24], axis: 0 } };
    const split = bench.prepare(nodeOf(call));
    if (split === undefined) return 'the device has no kernel for SplitV';
    const input = bench.upload(randomTensor(SPEC, randomOf(subject.options)));
    const used = bench.usedBytes;
    checkCode(
      'a node whose second output does not fit',
      errorOf(() => split.run([input])),
      'OUT_OF_MEMORY',
    );
    checkSame('liveBytes after it', bench.usedBytes, used);
    return undefined;
  };
  return onBench(subject, work, 1.5 * BYTES);
};

/** Checks by name. */
export const MEMORY_CHECKS: Readonly<Record<string, CheckWork>> = Object.freeze({
  'memory: what is alive is counted, and the peak': always(checkCounts),
  'memory: fifty rounds leave nothing': always(checkNoGrowth),
  'memory: what Reshape shares outlives its input': sharing('input'),
  'memory: what Reshape shares outlives its output': sharing('output'),
  'memory: an upload beyond the limit is refused and leaves nothing': always(checkUploadLimit),
  'memory: a node beyond the limit is refused and leaves nothing': always(checkKernelLimit),
  'memory: a node whose second output does not fit leaves nothing': checkSecondOutput,
});
