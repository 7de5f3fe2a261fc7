/** A few ops that many devices have; a device is asked for those it prepares. */
import type { DType, Shape, TensorSpec } from '../../scheduler/tensor.js';
import type { OpCall } from './nodes.js';

const of = (dtype: DType, shape: Shape): TensorSpec => ({ dtype, shape });
const float = (...shape: number[]): TensorSpec => of('float32', shape);
const MATRICES = { transposeA: false, transposeB: false };
const AXIS_1 = { axis: 1, keepDims: false };

const SHAPES: readonly Shape[] = [[], [7], [2, 3], [0, 3], [1, 2, 1, 3, 2, 2]];

function elementwise(): OpCall[] {
  const unary = ['Neg', 'Abs', 'Relu', 'Square', 'Tanh', 'Exp', 'Sigmoid'].flatMap((op) =>
    SHAPES.map((shape) => ({ op, inputs: { x: of('float32', shape) } })),
  );
  const binary = ['Add', 'Sub', 'Multiply', 'Maximum', 'Minimum'].flatMap((op) => [
    ...SHAPES.map((shape) => ({ op, inputs: { a: of('float32', shape), b: of('float32', shape) } })),
    { op, inputs: { a: float(4, 3), b: float(3) } },
    { op, inputs: { a: float(4, 1), b: float(1, 3) } },
    { op, inputs: { a: float(2, 3), b: float() } },
    { op, inputs: { a: of('int32', [2, 3]), b: of('int32', [2, 3]) } },
  ]);
  return [...unary, ...binary];
}

function booleans(): OpCall[] {
  const bool = of('bool', [2, 3]);
  return [
    { op: 'Greater', inputs: { a: float(2, 3), b: float(2, 3) } },
    { op: 'Equal', inputs: { a: of('int32', [2, 3]), b: of('int32', [2, 3]) } },
    { op: 'LogicalAnd', inputs: { a: bool, b: bool } },
    { op: 'LogicalNot', inputs: { x: bool } },
    { op: 'Select', inputs: { condition: bool, t: float(2, 3), e: float(2, 3) } },
    { op: 'Cast', inputs: { x: of('int32', [2, 3]) }, attributes: { dtype: 'float32' } },
  ];
}

function shapes(): OpCall[] {
  return [
    { op: 'Reshape', inputs: { x: float(2, 6) }, attributes: { shape: [3, 4] } },
    { op: 'Transpose', inputs: { x: float(2, 3) }, attributes: { perm: [1, 0] } },
    { op: 'Transpose', inputs: { x: float(1, 2, 1, 3, 2, 2) }, attributes: { perm: [5, 3, 1, 0, 2, 4] } },
    { op: 'Concat', inputs: { 0: float(2, 3), 1: float(2, 1) }, attributes: { axis: 1 } },
    { op: 'SplitV', inputs: { x: float(2, 6) }, attributes: { numOrSizeSplits: [1, 2, 3], axis: 1 } },
    { op: 'Unpack', inputs: { value: float(3, 2) }, attributes: { axis: 0 } },
  ];
}

function matricesAndReductions(): OpCall[] {
  return [
    { op: 'BatchMatMul', inputs: { a: float(2, 3), b: float(3, 4) }, attributes: MATRICES },
    { op: 'BatchMatMul', inputs: { a: float(2, 2, 3), b: float(2, 3, 4) }, attributes: MATRICES },
    {
      op: 'BatchMatMul',
      inputs: { a: float(3, 2), b: float(4, 3) },
      attributes: { transposeA: true, transposeB: true },
    },
    { op: 'Sum', inputs: { x: float(3, 5) }, attributes: AXIS_1 },
    { op: 'Max', inputs: { x: float(3, 5) }, attributes: AXIS_1 },
    { op: 'Mean', inputs: { x: float(3, 5) }, attributes: AXIS_1 },
    { op: 'ArgMax', inputs: { x: float(3, 5) }, attributes: { axis: 1 } },
    { op: 'Softmax', inputs: { logits: float(3, 5) }, attributes: { dim: 1 } },
  ];
}

/** The calls by op. */
export function opCalls(): ReadonlyMap<string, readonly OpCall[]> {
  const byOp = new Map<string, OpCall[]>();
  for (const call of [...elementwise(), ...booleans(), ...shapes(), ...matricesAndReductions()])
    byOp.set(call.op, [...(byOp.get(call.op) ?? []), call]);
  return byOp;
}
