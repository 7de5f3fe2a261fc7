/** Nodes to check with: as a program hands them to a device, and as the reference computes them. */
import { inferNode } from '../../kernels/ops/index.js';
import { prepareOnCpu } from '../../kernels/reference/cpu.js';
import { invariant } from '../../scheduler/errors.js';
import type { Attributes, NodeId, ValueId } from '../../scheduler/graph.js';
import type { ProgramNode } from '../../scheduler/kernel.js';
import { copyData, type Tensor, type TensorSpec } from '../../scheduler/tensor.js';

/** One call of an op. */
export interface OpCall {
  readonly op: string;
  /** Specs by the names of the op's inputs. */
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  readonly attributes?: Attributes;
}

/** The node of a call: its inputs are values 0, 1, …, its outputs follow. */
export function nodeOf({ op, inputs, attributes = {} }: OpCall, name = `the ${op}`): ProgramNode {
  const { outputs, cost } = inferNode(op, inputs, attributes, name);
  const inputNames = Object.keys(inputs);
  return {
    id: 0 as NodeId,
    name,
    op,
    attributes,
    inputNames,
    inputs: inputNames.map((_, index) => index as ValueId),
    inputSpecs: Object.values(inputs).map(({ dtype, shape }) => ({ dtype, shape })),
    outputs: outputs.map((_, index) => (inputNames.length + index) as ValueId),
    outputSpecs: outputs,
    cost,
  };
}

/** What the reference kernels make of the inputs. */
export function referenceOf(node: ProgramNode, inputs: readonly Tensor[]): readonly Tensor[] {
  const compute = prepareOnCpu(node);
  invariant(compute !== undefined, `the reference has a kernel for ${node.op}`);
  return compute(
    inputs.map(({ dtype, shape, data }) => ({ dtype, shape, data: copyData(dtype, data, node.name) })),
  );
}
