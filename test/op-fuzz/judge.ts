/** Whether a device does what it may with a call: refuse it with a code, or compute what the op means. */

import { type InferredNode, inferNode } from '../../kernels/ops/index.js';
import { CurfewError } from '../../scheduler/errors.js';
import type { NodeCost } from '../../scheduler/graph.js';
import type { ImmediateBackend } from '../../scheduler/kernel.js';
import {
  allocateData,
  byteLength,
  elementCount,
  type Tensor,
  type TensorSpec,
} from '../../scheduler/tensor.js';
import { difference } from '../support/one-node.js';
import { runOnCpu } from '../support/tfjs-kernels.js';
import { type FuzzCase, formatFuzzCase } from './fuzz-case.js';
import { type Ending, runGuarded } from './guarded-run.js';
import { hasIndexOutside } from './index-ranges.js';
import { ORACLES } from './oracles.js';

/** What became of a case. */
export type Verdict =
  /** The op table refused it. */
  | { readonly kind: 'refused'; readonly code: string }
  /** The table took it, but its tensors are too large to run here. */
  | { readonly kind: 'large' }
  /** The node failed, as it should. */
  | { readonly kind: 'failed' }
  | { readonly kind: 'equal' }
  /** Nothing says what is right; the node ran without damage. */
  | { readonly kind: 'excluded'; readonly reason: string };

const REFUSALS: ReadonlySet<string> = new Set([
  'INVALID_ATTRIBUTE',
  'INVALID_GRAPH',
  'LIMIT_EXCEEDED',
  'UNSUPPORTED_OP',
]);
/** Ops whose outputs no two devices have in common, and why. */
const RANDOM_OPS: ReadonlyMap<string, string> = new Map([
  ['Multinomial', 'the numbers are drawn by different generators'],
]);
/** Relative, of float32, where a device has none of its own. */
export const TOLERANCE = 1e-4;
const MAX_BYTES = 2 ** 20;
const MAX_OPERATIONS = 1e7;

/** The case breaks a promise. */
export class Fault extends Error {
  override readonly name = 'Fault';
}

function infer({ op, inputs, attributes }: FuzzCase): InferredNode | CurfewError {
  try {
    const inferred = inferNode(op, inputs, attributes, op);
    checkCost(inferred.cost);
    return inferred;
  } catch (error) {
    if (error instanceof CurfewError && REFUSALS.has(error.code)) return error;
    throw error;
  }
}

function checkCost({ operations, bytes }: NodeCost): void {
  const counts = [operations, bytes];
  if (!counts.every((count) => Number.isFinite(count) && count >= 0)) throw new Fault(`cost ${counts}`);
}

/** What the case must give; `undefined` where it must fail. */
function expectedOutputs(fuzzCase: FuzzCase, outputs: readonly TensorSpec[]): readonly Tensor[] | undefined {
  if (hasIndexOutside(fuzzCase)) return undefined;
  // Some kernels never end where there is nothing to compute.
  if (outputs.every(({ shape }) => elementCount(shape) === 0)) return outputs.map(withoutElements);
  if (Object.hasOwn(ORACLES, fuzzCase.op)) return [ORACLES[fuzzCase.op]!(fuzzCase, outputs[0]!)];
  try {
    return runOnCpu(fuzzCase, fuzzCase.inputs);
  } catch {
    return undefined;
  }
}

function withoutElements(spec: TensorSpec): Tensor {
  return { ...spec, data: allocateData(spec.dtype, 0) };
}

function firstDifference(actual: readonly Tensor[], expected: readonly Tensor[], tolerance: number) {
  const texts = actual.map((tensor, index) => difference(tensor, expected[index]!, tolerance));
  return texts.find((text) => text !== undefined);
}

/** A failed node must say which it is, and fail in a way that its stream survives. */
function checkFailure(error: unknown, fuzzCase: FuzzCase, expected: readonly Tensor[] | undefined): void {
  if (!(error instanceof Error)) throw new Fault(`threw ${error}`);
  if (error.name === 'RuntimeError') throw new Fault(`trapped: ${error.message}`);
  const code = error instanceof CurfewError ? error.code : undefined;
  if (code !== undefined && code !== 'KERNEL_FAILED') throw new Fault(`${code}: ${error.message}`);
  if (code !== undefined && !error.message.includes(`"the ${fuzzCase.op}"`))
    throw new Fault(`unnamed: ${error.message}`);
  if (expected !== undefined) throw new Fault(`threw where there is a result: ${error.message}`);
}

/** TensorFlow.js's kernels that add booleans up leave numbers. */
function asTruths(tensor: Tensor): Tensor {
  return tensor.dtype === 'bool'
    ? { ...tensor, data: Uint8Array.from(tensor.data, (element) => Number(element !== 0)) }
    : tensor;
}

function checkOutputs(
  { outputs, again }: Ending & { kind: 'completed' },
  expected: readonly Tensor[] | undefined,
  { wild }: FuzzCase,
  tolerance: number,
): void {
  if (expected === undefined) throw new Fault('computed where there is no result');
  const changed = firstDifference(again, outputs, 0);
  if (changed !== undefined) throw new Fault(`the second run gives ${changed}`);
  if (wild) return;
  const different = firstDifference(outputs, expected.map(asTruths), tolerance);
  if (different !== undefined) throw new Fault(different);
}

function verdictOf(
  ending: Ending,
  fuzzCase: FuzzCase,
  outputs: readonly TensorSpec[],
  tolerance: number,
): Verdict {
  const expected = expectedOutputs(fuzzCase, outputs);
  if (ending.kind === 'failed') {
    checkFailure(ending.error, fuzzCase, expected);
    return { kind: 'failed' };
  }
  const reason = RANDOM_OPS.get(fuzzCase.op);
  if (reason !== undefined) return { kind: 'excluded', reason };
  checkOutputs(ending, expected, fuzzCase, tolerance);
  return { kind: 'equal' };
}

/**
 * Runs a case on a device.
 *
 * @throws Fault, Damage or what was thrown, saying which case it was
 */
export function judge(fuzzCase: FuzzCase, backend: ImmediateBackend, tolerance = TOLERANCE): Verdict {
  try {
    const inferred = infer(fuzzCase);
    if (inferred instanceof CurfewError) return { kind: 'refused', code: inferred.code };
    const { outputs, cost } = inferred;
    const bytes = outputs.reduce((sum, output) => sum + byteLength(output), 0);
    if (bytes > MAX_BYTES || cost.operations > MAX_OPERATIONS) return { kind: 'large' };
    const { op, inputs, attributes } = fuzzCase;
    const ending = runGuarded(backend, { op, inputs, attributes, outputs }, inputs);
    return verdictOf(ending, fuzzCase, outputs, tolerance);
  } catch (error) {
    if (error instanceof Error) error.message = `${formatFuzzCase(fuzzCase)}: ${error.message}`;
    throw error;
  }
}
