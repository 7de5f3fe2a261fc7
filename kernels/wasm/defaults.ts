/** Attributes that the op table lets callers leave out and wasm's kernels take for given. */
import type { Attributes } from '../../scheduler/graph.js';
import type { ProgramNode } from '../../scheduler/kernel.js';

/** What TensorFlow.js's cpu kernels take instead. */
const DEFAULTS: Readonly<Record<string, Attributes>> = {
  DepthwiseConv2dNative: { dilations: 1 },
  FusedDepthwiseConv2D: { dilations: 1 },
  FusedBatchNorm: { varianceEpsilon: 0.001 },
  GatherV2: { batchDims: 0 },
};

/** The node with its attributes complete; kernels read `null` as left out, too. */
export function withDefaults(node: ProgramNode): ProgramNode {
  if (!Object.hasOwn(DEFAULTS, node.op)) return node;
  const given = Object.entries(node.attributes).filter(([, value]) => value !== undefined && value !== null);
  return { ...node, attributes: { ...DEFAULTS[node.op], ...Object.fromEntries(given) } };
}
