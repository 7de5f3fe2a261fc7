/** Checks of what kernels compute, and of how they treat the value table. */
import { type Bench, type BenchNode, onBench } from './bench.js';
import { carrierOn, fanOut } from './carrier.js';
import { checkCode, checkSame, errorOf } from './check-failure.js';
import { always, type CheckWork } from './device-check.js';
import { nodeOf, type OpCall, referenceOf } from './nodes.js';
import { opCalls } from './op-calls.js';
import type { Subject } from './options.js';
import { checkTensor, randomOf, randomTensor } from './tensors.js';

/** Runs the node on random inputs, and compares outputs, and inputs that are to stay as they were. */
async function checkValues(bench: Bench, { options }: Subject, { node, run }: BenchNode): Promise<void> {
  const random = randomOf(options);
  const inputs = node.inputSpecs.map((spec) => randomTensor(spec, random));
  const uploaded = inputs.map((tensor) => bench.upload(tensor));
  const outputs = run(uploaded);
  await bench.drain();
  for (const [index, expected] of referenceOf(node, inputs).entries())
    checkTensor(`${node.name}, output ${index}`, await bench.read(outputs[index]!), expected, options);
  for (const [index, input] of inputs.entries())
    checkTensor(`${node.name}, input ${index} afterwards`, await bench.read(uploaded[index]!), input, {
      tolerance: 0,
    });
  bench.release(...outputs, ...uploaded);
}

const valuesOf =
  (op: string, calls: readonly OpCall[]): CheckWork =>
  (subject) =>
    onBench(subject, async (bench) => {
      const prepared = calls.map((call) => bench.prepare(nodeOf(call))).filter((node) => node !== undefined);
      for (const node of prepared) await checkValues(bench, subject, node);
      return prepared.length > 0 ? undefined : `the device has no kernel for ${op}`;
    });

/** Several runs share prepared nodes, each with a value table of its own. */
async function checkTwoTables(subject: Subject): Promise<void> {
  await onBench(subject, async (bench) => {
    const random = randomOf(subject.options);
    const { node, run } = carrierOn(bench, [3, 4]);
    const tensors = [0, 1].map(() => randomTensor(node.inputSpecs[0]!, random));
    const inputs = tensors.map((tensor) => bench.upload(tensor));
    const [first] = run(fanOut(node, inputs[0]!));
    const [second] = run(fanOut(node, inputs[1]!));
    await bench.drain();
    for (const [index, output] of [first!, second!].entries()) {
      const [expected] = referenceOf(node, fanOut(node, tensors[index]!));
      checkTensor(`table ${index} of 2`, await bench.read(output), expected!, subject.options);
    }
  });
}

async function checkUnsupported(subject: Subject): Promise<void> {
  await onBench(subject, async (bench) => {
    const { node } = carrierOn(bench, [2]);
    const unknown = { ...node, name: 'the unknown', op: 'NoSuchOp' };
    const error = errorOf(() => bench.backend.prepare(unknown));
    checkCode('prepare() of an op that nobody has', error, 'UNSUPPORTED_OP');
    checkSame('the node that the error names', (error as { node?: unknown }).node, unknown.name);
  });
}

/** Checks by name. */
export const KERNEL_CHECKS: Readonly<Record<string, CheckWork>> = Object.freeze({
  'prepare: UNSUPPORTED_OP names the node': always(checkUnsupported),
  'kernels: one prepared node serves two value tables': always(checkTwoTables),
  ...Object.fromEntries(
    [...opCalls()].map(([op, calls]) => [
      `kernels: ${op} agrees with the reference and leaves its inputs alone`,
      valuesOf(op, calls),
    ]),
  ),
});
