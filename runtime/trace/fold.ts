/** Constant folding: kernels of constants give what the nodes would give that are recorded for other tensors. */
import * as tf from '@tensorflow/tfjs-core';
import { findOp, inferNode } from '../../kernels/ops/index.js';
import { type Evaluate, isCorrected } from '../../kernels/reference/corrections.js';
import { prepareOnCpu } from '../../kernels/reference/cpu.js';
import { CurfewError } from '../../scheduler/errors.js';
import type { Attributes, NodeId, ValueId } from '../../scheduler/graph.js';
import { isDType, type TensorSpec } from '../../scheduler/tensor.js';
import { plainAttributes } from '../attributes.js';
import type { RecordingBackend } from './recording-backend.js';

/** Ops whose kernels never look at data, which is large where it is weights. */
const BLIND_OPS: ReadonlySet<string> = new Set([
  ...[tf.Identity, tf.Reshape, tf.ExpandDims],
  ...[tf.ZerosLike, tf.OnesLike],
]);

/**
 * Computes what a node of this op would. `undefined` where there could be no such node, as of strings, and where a view of
 * the inputs will do: then TensorFlow.js's kernel is right.
 *
 * @throws KERNEL_FAILED for indices out of range; INVALID_ATTRIBUTE, INVALID_GRAPH where the kernel is not to be trusted
 *   with what the op table refuses
 */
export function foldAsNode(
  backend: RecordingBackend,
  op: string,
  inputs: ReadonlyMap<string, tf.TensorInfo>,
  attrs: tf.NamedAttrMap,
): tf.TensorInfo[] | undefined {
  const infos = [...inputs.values()];
  if (findOp(op) === undefined || BLIND_OPS.has(op) || !infos.every(({ dtype }) => isDType(dtype)))
    return undefined;
  const specs = infos.map(({ dtype, shape }): TensorSpec => ({ dtype: dtype as TensorSpec['dtype'], shape }));
  const compute = prepare(op, [...inputs.keys()], specs, attrs);
  if (compute === undefined) return undefined;
  // Copies, for kernels may write into their inputs.
  const tensors = infos.map(({ dataId }, index) => {
    const spec = specs[index]!;
    return { ...spec, data: backend.copyConstant(dataId, spec) };
  });
  return compute(tensors).map(({ dtype, shape, data }) => backend.makeTensorInfo([...shape], dtype, data));
}

function prepare(
  op: string,
  inputNames: readonly string[],
  inputSpecs: readonly TensorSpec[],
  attrs: tf.NamedAttrMap,
): Evaluate | undefined {
  const attributes = plainAttributes(attrs, `node "${op}"`, 'INVALID_TRACE', op);
  const inputs = Object.fromEntries(inputNames.map((name, index) => [name, inputSpecs[index]!]));
  const inferred = infer(op, inputs, attributes);
  if (inferred === undefined) return undefined;
  const count = inputNames.length;
  return prepareOnCpu({
    id: 0 as NodeId,
    name: op,
    op,
    attributes,
    inputNames,
    inputs: inputNames.map((_, index) => index as ValueId),
    inputSpecs,
    outputs: inferred.outputs.map((_, index) => (count + index) as ValueId),
    outputSpecs: inferred.outputs,
    cost: inferred.cost,
  });
}

function infer(op: string, inputs: Readonly<Record<string, TensorSpec>>, attributes: Attributes) {
  try {
    return inferNode(op, inputs, attributes, op);
  } catch (error) {
    if (error instanceof CurfewError && !isCorrected(op)) return undefined;
    throw error;
  }
}
