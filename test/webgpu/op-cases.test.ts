/** The table of op cases on WebGPU's kernels, against the reference. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inferNode, opNames } from '../../kernels/ops/index.js';
import { createKernelBackend as createReference } from '../../kernels/reference/backend.js';
import { createKernelBackend } from '../../kernels/webgpu/backend.js';
import type { ImmediateBackend } from '../../scheduler/kernel.js';
import { backendOptions, runOn } from '../support/one-node.js';
import { caseTensors, formatCase, type OpCase, opCases } from '../support/op-cases.js';
import { caseDifferences, SEED } from './case-differences.js';

const CASES = opCases(SEED);

describe(`op cases on webgpu (seed ${SEED})`, () => {
  let reference: ImmediateBackend;
  let backend: ImmediateBackend;
  beforeAll(async () => {
    reference = (await createReference(backendOptions())) as ImmediateBackend;
    // Its reads wait, so single nodes can be run on it as on an immediate one.
    backend = (await createKernelBackend(backendOptions())) as unknown as ImmediateBackend;
  });
  afterAll(() => {
    reference.close();
    backend.close();
  });

  function departures(opCase: OpCase): string[] {
    const { op, inputs, attributes } = opCase;
    const { outputs } = inferNode(op, inputs, attributes, 'case');
    const tensors = caseTensors(opCase, SEED);
    const liveBytes = backend.memory.liveBytes;
    const expected = runOn(reference, op, tensors, outputs, attributes);
    const actual = runOn(backend, op, tensors, outputs, attributes);
    expect(backend.memory.liveBytes, formatCase(opCase)).toBe(liveBytes);
    return caseDifferences(opCase, actual, expected);
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
