/** Non-maximum suppression, which is not in the op table: how many boxes it keeps is known only after running it. */
import type { ProgramNode } from '../../scheduler/kernel.js';
import type { TensorSpec } from '../../scheduler/tensor.js';

/** Most boxes kept; V4 makes room for all of them. */
const MAX_BOXES = 2 ** 20;

const THRESHOLDS = ['iouThreshold', 'scoreThreshold', 'softNmsSigma'];

/** Whether boxes and scores are as many as the kernels take for granted, and the attributes what they compute with. */
export function isPlainSuppression(node: ProgramNode): boolean {
  const { attributes, inputNames, inputSpecs } = node;
  const boxes = inputSpecs[inputNames.indexOf('boxes')];
  const scores = inputSpecs[inputNames.indexOf('scores')];
  const most = attributes['maxOutputSize'];
  return (
    isFloats(boxes, 2) &&
    isFloats(scores, 1) &&
    boxes.shape[1] === 4 &&
    boxes.shape[0] === scores.shape[0] &&
    Number.isInteger(most) &&
    (most as number) >= 0 &&
    (most as number) <= MAX_BOXES &&
    THRESHOLDS.every((name) => isThreshold(attributes[name]))
  );
}

function isFloats(spec: TensorSpec | undefined, rank: number): spec is TensorSpec {
  return spec?.dtype === 'float32' && spec.shape.length === rank;
}

/** Infinite ones let everything or nothing pass; V3 and V4 have no sigma. */
function isThreshold(value: unknown): boolean {
  return value === undefined || typeof value === 'number';
}
