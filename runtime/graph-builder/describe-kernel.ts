/** Outputs and cost of a kernel node: from the op table, or as declared for an op the table lacks. */
import { findOp, inferNode } from '../../kernels/ops/index.js';
import { curfewError, quote } from '../../scheduler/errors.js';
import type { Attributes, NodeCost } from '../../scheduler/graph.js';
import { byteLength, elementCount, formatSpec, sameShape, type TensorSpec } from '../../scheduler/tensor.js';

/** What is known of a kernel node before it runs. */
export interface KernelDescription {
  readonly outputs: readonly TensorSpec[];
  readonly cost: NodeCost;
}

/**
 * Describes a kernel node.
 *
 * @param declared specs of the outputs from elsewhere; needed for an op the table lacks, compared for all others
 * @throws UNSUPPORTED_OP when the table lacks the op and nothing is declared; INVALID_GRAPH when what is declared
 *   contradicts the table; whatever the table finds wrong with inputs and attributes
 */
export function describeKernel(
  op: string,
  inputs: Readonly<Record<string, TensorSpec>>,
  attributes: Attributes,
  name: string,
  declared?: readonly TensorSpec[],
): KernelDescription {
  if (declared !== undefined && findOp(op) === undefined) {
    return { outputs: declared, cost: usualCost(Object.values(inputs), declared) };
  }
  const inferred = inferNode(op, inputs, attributes, name);
  if (declared !== undefined && !sameSpecs(declared, inferred.outputs)) {
    throw mismatch(name, op, inferred.outputs, declared);
  }
  return inferred;
}

function mismatch(
  name: string,
  op: string,
  inferred: readonly TensorSpec[],
  declared: readonly TensorSpec[],
) {
  const [expected, received] = [inferred, declared].map((specs) => specs.map(formatSpec).join(', '));
  return curfewError(
    'INVALID_GRAPH',
    `node ${quote(name)}: expected outputs ${expected} of op ${op} on these inputs, received ${received}`,
    { node: name, expected, received },
  );
}

function sameSpecs(a: readonly TensorSpec[], b: readonly TensorSpec[]): boolean {
  return a.length === b.length && a.every((spec, index) => sameSpec(spec, b[index]!));
}

/** Whether two specs are the same. */
export function sameSpec(a: TensorSpec, b: TensorSpec): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

/** One operation per output element and every byte once, as the op table reckons ops without a cost of their own. */
function usualCost(inputs: readonly TensorSpec[], outputs: readonly TensorSpec[]): NodeCost {
  const sum = (specs: readonly TensorSpec[], measure: (spec: TensorSpec) => number) =>
    specs.reduce((total, spec) => total + measure(spec), 0);
  return {
    operations: sum(outputs, (spec) => elementCount(spec.shape)),
    bytes: sum([...inputs, ...outputs], byteLength),
  };
}
