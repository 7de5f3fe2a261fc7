/** Checks of what goes to a device and comes back. */
import type { DType, Shape, TensorSpec } from '../../scheduler/tensor.js';
import { type Bench, onBench } from './bench.js';
import { carrierOn, fanOut } from './carrier.js';
import { always, type CheckWork } from './device-check.js';
import { referenceOf } from './nodes.js';
import type { Subject } from './options.js';
import { checkTensor, randomOf, randomTensor } from './tensors.js';

const DTYPES: readonly DType[] = ['float32', 'int32', 'bool'];
const SHAPES: readonly Shape[] = [[], [1], [3], [2, 3], [0], [2, 0, 3], [1, 2, 1, 3, 2, 2]];

/** Elements of a big tensor: 4 MiB. */
const BIG = 2 ** 20;

async function checkRoundTrip(bench: Bench, { options }: Subject, spec: TensorSpec): Promise<void> {
  const tensor = randomTensor(spec, randomOf(options));
  const uploaded = bench.upload(tensor);
  await bench.drain();
  const exact = { ...options, tolerance: 0 };
  checkTensor('a tensor that was uploaded and read', await bench.read(uploaded), tensor, exact);
  checkTensor('the same, read once more', await bench.read(uploaded), tensor, exact);
  bench.release(uploaded);
}

const roundTrip = (dtype: DType): CheckWork =>
  always((subject) =>
    onBench(subject, async (bench) => {
      for (const shape of SHAPES) await checkRoundTrip(bench, subject, { dtype, shape });
    }),
  );

async function checkSeveralUploads(subject: Subject): Promise<void> {
  await onBench(subject, async (bench) => {
    const random = randomOf(subject.options);
    const tensors = Array.from({ length: 20 }, () =>
      randomTensor({ dtype: 'float32', shape: [5, 7] }, random),
    );
    const uploaded = tensors.map((tensor) => bench.upload(tensor));
    await bench.drain();
    for (const [index, tensor] of tensors.entries())
      checkTensor(`upload ${index} of 20`, await bench.read(uploaded[index]!), tensor, subject.options);
  });
}

/** A run that is stopped before its first node leaves such copies behind. */
async function checkReleaseBeforeSubmit(subject: Subject): Promise<void> {
  await onBench(subject, async (bench) => {
    const random = randomOf(subject.options);
    const spec: TensorSpec = { dtype: 'float32', shape: [16] };
    bench.release(bench.upload(randomTensor(spec, random)));
    const tensor = randomTensor(spec, random);
    const uploaded = bench.upload(tensor);
    await bench.drain();
    checkTensor('an upload after one that was given up', await bench.read(uploaded), tensor, subject.options);
  });
}

async function checkBig(subject: Subject): Promise<void> {
  await onBench(subject, async (bench) => {
    const carrier = carrierOn(bench, [BIG]);
    const tensor = randomTensor({ dtype: 'float32', shape: [BIG] }, randomOf(subject.options));
    const inputs = fanOut(carrier.node, tensor);
    const [output] = carrier.run(fanOut(carrier.node, bench.upload(tensor)));
    await bench.drain();
    const [expected] = referenceOf(carrier.node, inputs);
    checkTensor('2^20 elements', await bench.read(output!), expected!, subject.options);
  });
}

/** Checks by name. */
export const TRANSFER_CHECKS: Readonly<Record<string, CheckWork>> = Object.freeze({
  ...Object.fromEntries(
    DTYPES.map((dtype) => [
      `upload and read: ${dtype} of ranks 0 to 6 and of no elements comes back, the buffer being reused at once`,
      roundTrip(dtype),
    ]),
  ),
  'upload and read: many tensors do not get mixed up': always(checkSeveralUploads),
  'upload: a tensor released before anything is submitted leaves nothing': always(checkReleaseBeforeSubmit),
  'upload and read: 4 MiB go through a kernel': always(checkBig),
});
