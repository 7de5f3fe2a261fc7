/** The table of op cases on TensorFlow's kernels, against the reference. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inferNode, opNames } from '../../kernels/ops/index.js';
import { createKernelBackend as createReference } from '../../kernels/reference/backend.js';
import { createKernelBackend } from '../../kernels/tensorflow/backend.js';
import type { ImmediateBackend } from '../../scheduler/kernel.js';
import type { Tensor } from '../../scheduler/tensor.js';
import { backendOptions, difference, runOn } from '../support/one-node.js';
import { caseTensors, formatCase, type OpCase, opCases } from '../support/op-cases.js';

const SEED = Number(process.env['CURFEW_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const CASES = opCases(SEED);
/** Relative, above 1: sums in another order, and functions by other polynomials. The other dtypes are exact. */
const FLOAT_TOLERANCE = 1e-4;

let reference: ImmediateBackend;
beforeAll(async () => {
  reference = (await createReference(backendOptions())) as ImmediateBackend;
});
afterAll(() => reference.close());

const comparable = ({ dtype, shape, data }: Tensor, opCase: OpCase): Tensor =>
  opCase.randomValues ? { dtype, shape, data: data.map(() => 0) } : { dtype, shape, data };

describe.each([false, true])(`op cases on tensorflow (seed ${SEED}), queueing: %s`, (queueing) => {
  let backend: ImmediateBackend;
  beforeAll(async () => {
    backend = (await createKernelBackend(backendOptions({ device: { queueing } }))) as ImmediateBackend;
  });
  afterAll(() => backend.close());

  function departure(opCase: OpCase): string | undefined {
    const { op, inputs, attributes } = opCase;
    const { outputs } = inferNode(op, inputs, attributes, 'case');
    const tensors = caseTensors(opCase, SEED);
    const liveBytes = backend.memory.liveBytes;
    const expected = runOn(reference, op, tensors, outputs, attributes);
    const actual = runOn(backend, op, tensors, outputs, attributes);
    expect(backend.memory.liveBytes, formatCase(opCase)).toBe(liveBytes);
    const differences = actual.map((tensor, index) => {
      const tolerance = tensor.dtype === 'float32' ? FLOAT_TOLERANCE : 0;
      return difference(comparable(tensor, opCase), comparable(expected[index]!, opCase), tolerance);
    });
    const first = differences.find((words) => words !== undefined);
    return first === undefined ? undefined : `${formatCase(opCase)}: ${first}`;
  }

  it.each(opNames())('computes what the reference computes for %s', (op) => {
    const departures = CASES.filter((opCase) => opCase.op === op).flatMap((opCase) => {
      try {
        return departure(opCase) ?? [];
      } catch (error) {
        return `${formatCase(opCase)}: ${error}`;
      }
    });
    expect(departures, `CURFEW_TEST_SEED=${SEED}`).toEqual([]);
  });
});
