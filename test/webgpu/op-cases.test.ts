/** The table of op cases on WebGPU's kernels, against the reference. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inferNode, opNames } from '../../kernels/ops/index.js';
import { createKernelBackend as createReference } from '../../kernels/reference/backend.js';
import { createKernelBackend } from '../../kernels/webgpu/backend.js';
import type { ImmediateBackend } from '../../scheduler/kernel.js';
import { elementCount } from '../../scheduler/tensor.js';
import { caseDifferences, SEED } from '../support/case-differences.js';
import { backendOptions, programNode, runOn, runPreparedOn } from '../support/one-node.js';
import { caseTensors, formatCase, type OpCase, opCases } from '../support/op-cases.js';
import { ON_CPU, ON_GPU } from './on-gpu.js';

const FLOAT_TOLERANCE = 1e-3;
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

  /** Ops of which a case with elements has run on WebGPU's kernels. */
  const onGpu = new Set<string>();

  function departures(opCase: OpCase): string[] {
    const { op, inputs, attributes } = opCase;
    const { outputs } = inferNode(op, inputs, attributes, 'case');
    const tensors = caseTensors(opCase, SEED);
    const liveBytes = backend.memory.liveBytes;
    const expected = runOn(reference, op, tensors, outputs, attributes);
    const prepared = backend.prepare(programNode({ op, inputs: tensors, attributes, outputs }));
    const hasElements = outputs.some(({ shape }) => elementCount(shape) > 0);
    if (hasElements && prepared.fallback === undefined) onGpu.add(op);
    const actual = runPreparedOn(backend, prepared, tensors, outputs.length);
    expect(backend.memory.liveBytes, formatCase(opCase)).toBe(liveBytes);
    return caseDifferences(opCase, actual, expected, FLOAT_TOLERANCE);
  }

  it.each(opNames())('computes what the reference computes for %s, on the kernels listed', (op) => {
    const found = CASES.filter((opCase) => opCase.op === op).flatMap((opCase) => {
      try {
        return departures(opCase);
      } catch (error) {
        return [`${formatCase(opCase)}: ${error}`];
      }
    });
    expect(found, `CURFEW_TEST_SEED=${SEED}`).toEqual([]);
    expect(onGpu.has(op), `runs on WebGPU's kernels (CURFEW_TEST_SEED=${SEED})`).toBe(ON_GPU.includes(op));
  });

  it('lists each op once', () => {
    expect([...ON_GPU, ...ON_CPU].sort()).toEqual([...opNames()].sort());
  });
});
