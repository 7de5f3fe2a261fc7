/** The table of op cases, each a chunk by itself, on values and on constants, against the reference. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inferNode, opNames } from '../../kernels/ops/index.js';
import { indexCheck } from '../../kernels/ops/index-bounds.js';
import { createKernelBackend as createReference } from '../../kernels/reference/backend.js';
import { createKernelBackend } from '../../kernels/tensorflow/backend.js';
import type { Chunk, ImmediateBackend, ProgramNode, ValueTable } from '../../scheduler/kernel.js';
import { elementCount, type Tensor } from '../../scheduler/tensor.js';
import { caseDifferences, SEED } from '../support/case-differences.js';
import { backendOptions, programNode, readFrom, runOn, uploadTo } from '../support/one-node.js';
import { caseTensors, formatCase, type OpCase, opCases } from '../support/op-cases.js';

const FLOAT_TOLERANCE = 1e-4;
const CASES = opCases(SEED);
/** Graphs compute them otherwise. */
const APART: ReadonlySet<string> = new Set(['MaxPool3DGrad']);

let reference: ImmediateBackend;
let backend: ImmediateBackend;
beforeAll(async () => {
  reference = (await createReference(backendOptions())) as ImmediateBackend;
  backend = (await createKernelBackend(backendOptions())) as ImmediateBackend;
});
afterAll(() => {
  reference.close();
  backend.close();
});

function release(values: ValueTable, places: readonly number[]): void {
  for (const place of places) {
    const tensor = values[place];
    if (tensor !== undefined) backend.release(tensor);
    values[place] = undefined;
  }
}

/** Graphs are stricter in types than calls of single ops. Such a node is executed by itself. */
function isRefusedByGraphs({ op, inputSpecs }: ProgramNode): boolean {
  return op === 'ExpandDims' || (op === 'Mean' && inputSpecs[0]!.dtype !== 'float32');
}

/** What computes with values outside TensorFlow, looks at values before it runs, or is nothing but shapes. */
function isByItself(node: ProgramNode): boolean {
  return (
    (backend.prepare(node).fallback !== undefined && node.inputs.length > 0) ||
    indexCheck(node) !== undefined ||
    [...node.inputSpecs, ...node.outputSpecs].some(({ shape }) => elementCount(shape) === 0) ||
    APART.has(node.op)
  );
}

/** The chunk of one node; `undefined` where there can be none. */
function compile(node: ProgramNode, values: ValueTable, constants: ValueTable): Chunk | undefined {
  const recording = backend.chunks!.record(node, values);
  release(values, node.outputs);
  expect(recording === undefined, 'cannot be recorded').toBe(isByItself(node));
  if (recording === undefined) return undefined;
  const compiled = () =>
    backend.chunks!.compile({ nodes: [{ node, recording }], outputs: node.outputs, constants });
  if (!isRefusedByGraphs(node)) return compiled();
  expect(compiled).toThrow('Failed to load SavedModel');
  return undefined;
}

/** What the case gives as a chunk; `undefined` where it cannot be one. */
function runAsChunk(
  { op, attributes }: OpCase,
  tensors: Record<string, Tensor>,
  outputs: Tensor[],
  areConstant: boolean,
) {
  const node = programNode({ op, inputs: tensors, attributes, outputs });
  const values: ValueTable = Object.values(tensors).map((tensor) => uploadTo(backend, tensor));
  try {
    const chunk = compile(node, values, areConstant ? values.slice() : []);
    if (chunk === undefined) return undefined;
    try {
      chunk.run(values);
      return node.outputs.map((output) => readFrom(backend, values[output]!));
    } finally {
      release(values, node.outputs);
      chunk.release();
    }
  } finally {
    release(values, node.inputs);
  }
}

describe(`op cases as chunks on tensorflow (seed ${SEED})`, () => {
  function departures(opCase: OpCase): string[] {
    const { op, inputs, attributes } = opCase;
    const { outputs } = inferNode(op, inputs, attributes, 'case');
    const tensors = caseTensors(opCase, SEED);
    const expected = runOn(reference, op, tensors, outputs, attributes);
    return [false, true].flatMap((areConstant) => {
      const { liveBytes } = backend.memory;
      const actual = runAsChunk(opCase, tensors, outputs as Tensor[], areConstant);
      expect(backend.memory.liveBytes, formatCase(opCase)).toBe(liveBytes);
      if (actual === undefined) return [];
      return caseDifferences(opCase, actual, expected, FLOAT_TOLERANCE);
    });
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
