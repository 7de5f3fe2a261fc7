/** The table of op cases on TensorFlow's kernels, against the reference. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inferNode, opNames } from '../../kernels/ops/index.js';
import { createKernelBackend as createReference } from '../../kernels/reference/backend.js';
import { createKernelBackend } from '../../kernels/tensorflow/backend.js';
import type { ImmediateBackend } from '../../scheduler/kernel.js';
import { caseDifferences, SEED } from '../support/case-differences.js';
import { backendOptions, runOn } from '../support/one-node.js';
import { caseTensors, formatCase, type OpCase, opCases } from '../support/op-cases.js';

const FLOAT_TOLERANCE = 1e-4;
const CASES = opCases(SEED);

let reference: ImmediateBackend;
beforeAll(async () => {
  reference = (await createReference(backendOptions())) as ImmediateBackend;
});
afterAll(() => reference.close());

describe.each([false, true])(`op cases on tensorflow (seed ${SEED}), queueing: %s`, (queueing) => {
  let backend: ImmediateBackend;
  beforeAll(async () => {
    backend = (await createKernelBackend(backendOptions({ device: { queueing } }))) as ImmediateBackend;
  });
  afterAll(() => backend.close());

  function departures(opCase: OpCase): string[] {
    const { op, inputs, attributes } = opCase;
    const { outputs } = inferNode(op, inputs, attributes, 'case');
    const tensors = caseTensors(opCase, SEED);
    const liveBytes = backend.memory.liveBytes;
    const expected = runOn(reference, op, tensors, outputs, attributes);
    const actual = runOn(backend, op, tensors, outputs, attributes);
    expect(backend.memory.liveBytes, formatCase(opCase)).toBe(liveBytes);
    return caseDifferences(opCase, actual, expected, FLOAT_TOLERANCE);
  }

  it.each(opNames())('computes what the reference computes for %s', (op) => {
    const found = CASES.filter((opCase) => opCase.op === op).flatMap((opCase) => {
      try {
        return departures(opCase);
      } catch (error) {
        return [`${formatCase(opCase)}: ${error}`];
      }
    });
    expect(found, `CURFEW_TEST_SEED=${SEED}`).toEqual([]);
  });
});
