/** Cases of element-wise ops: each dtype it takes, on shapes of rank 0 to 4. */
import type { DType } from '../../../scheduler/tensor.js';
import {
  bool,
  broadcastingShapes,
  type CaseTable,
  f32,
  i32,
  type OpCase,
  of,
  randomShape,
  variadic,
} from '../op-case.js';
import type { Random } from '../random.js';

const ALL = ['float32', 'int32', 'bool'] as const;
const NUMERIC = ['float32', 'int32'] as const;
const FLOAT = ['float32'] as const;

type Row = readonly [op: string, dtypes: readonly DType[], min?: number, max?: number];

/** Ops on one tensor, and the range of values they are defined for. */
const UNARY: readonly Row[] = [
  ['Abs', NUMERIC],
  ['Acos', FLOAT, -1, 1],
  ['Acosh', FLOAT, 1, 9],
  ['Asin', FLOAT, -1, 1],
  ['Asinh', FLOAT],
  ['Atan', FLOAT],
  ['Atanh', FLOAT, -0.9, 0.9],
  ['Ceil', FLOAT],
  ['Cos', FLOAT],
  ['Cosh', FLOAT],
  ['Elu', FLOAT],
  ['Erf', FLOAT],
  ['Exp', FLOAT],
  ['Expm1', FLOAT],
  ['Floor', FLOAT],
  ['Identity', ALL],
  ['IsFinite', FLOAT],
  ['IsInf', FLOAT],
  ['IsNan', FLOAT],
  ['Log', FLOAT, 0.1, 9],
  ['Log1p', FLOAT, -0.9, 9],
  ['LogicalNot', ['bool']],
  ['Neg', NUMERIC],
  ['OnesLike', ALL],
  ['Reciprocal', FLOAT, 0.1, 9],
  ['Relu', NUMERIC],
  ['Relu6', NUMERIC, -9, 9],
  ['Round', NUMERIC, -9, 9],
  ['Rsqrt', FLOAT, 0.1, 9],
  ['Selu', FLOAT],
  ['Sigmoid', FLOAT],
  ['Sign', NUMERIC],
  ['Sin', FLOAT],
  ['Sinh', FLOAT],
  ['Softplus', FLOAT],
  ['Sqrt', FLOAT, 0, 9],
  ['Square', NUMERIC],
  ['Tan', FLOAT, -1, 1],
  ['Tanh', FLOAT],
  ['ZerosLike', ALL],
];

/** Ops on two tensors, and the range of values they are defined for. */
const BINARY: readonly Row[] = [
  ['Add', NUMERIC],
  ['Atan2', FLOAT],
  ['BitwiseAnd', ['int32'], 0, 99],
  ['FloorDiv', ['int32'], 1, 9],
  ['Maximum', NUMERIC],
  ['Minimum', NUMERIC],
  ['Mod', NUMERIC, 1, 9],
  ['Multiply', NUMERIC],
  ['Pow', NUMERIC, 1, 3],
  ['RealDiv', FLOAT, 0.1, 9],
  ['SquaredDifference', NUMERIC],
  ['Sub', NUMERIC],
  ['Equal', ALL],
  ['Greater', NUMERIC],
  ['GreaterEqual', NUMERIC],
  ['Less', NUMERIC],
  ['LessEqual', NUMERIC],
  ['NotEqual', ALL],
  ['LogicalAnd', ['bool']],
  ['LogicalOr', ['bool']],
  ['LogicalXor', ['bool']],
];

function rangeOf([, , min, max]: Row) {
  return { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}

function unaryCases(random: Random): OpCase[] {
  return UNARY.flatMap((row) =>
    row[1].flatMap((dtype) =>
      [0, random.integer(1, 2), random.integer(3, 4)].map((rank) => ({
        op: row[0],
        inputs: { x: of(dtype, randomShape(random, rank), rangeOf(row)) },
        attributes: {},
      })),
    ),
  );
}

function binaryCases(random: Random): OpCase[] {
  return BINARY.flatMap((row) =>
    row[1].flatMap((dtype) =>
      [0, 1, 2, random.integer(3, 4)].map((rank) => {
        const [a, b] = broadcastingShapes(random, rank);
        const inputs = { a: of(dtype, a, rangeOf(row)), b: of(dtype, b, rangeOf(row)) };
        return { op: row[0], inputs, attributes: {} };
      }),
    ),
  );
}

function castCases(random: Random): OpCase[] {
  const except = { wasm: 'copies the low byte of each number, where cpu tests it against 0' };
  return ALL.flatMap((from) =>
    ALL.map((dtype) => ({
      op: 'Cast',
      inputs: { x: of(from, randomShape(random, 2)) },
      attributes: { dtype },
      ...(dtype === 'bool' && from !== 'bool' && { except }),
    })),
  );
}

function activationCases(random: Random): OpCase[] {
  const shape = randomShape(random, 3);
  return [
    { op: 'LeakyRelu', inputs: { x: f32(shape) }, attributes: { alpha: 0.2 } },
    { op: 'Prelu', inputs: { x: f32(shape), alpha: f32(shape) }, attributes: {} },
    {
      op: 'Prelu',
      inputs: { x: f32(shape), alpha: f32(shape.slice(-1)) },
      attributes: {},
    },
    { op: 'EluGrad', inputs: { dy: f32(shape), y: f32(shape) }, attributes: {} },
    { op: 'Step', inputs: { x: f32(shape) }, attributes: { alpha: 0 } },
    { op: 'Step', inputs: { x: f32([]) }, attributes: { alpha: 0.5 } },
    { op: 'ClipByValue', inputs: { x: f32(shape) }, attributes: { clipValueMin: -1, clipValueMax: 1 } },
  ];
}

function manyInputCases(random: Random): OpCase[] {
  const shape = randomShape(random, random.integer(1, 4));
  return ALL.flatMap((dtype): OpCase[] => {
    const x = of(dtype, shape);
    const select: OpCase = { op: 'Select', inputs: { condition: bool(shape), t: x, e: x }, attributes: {} };
    if (dtype === 'bool') return [{ ...select, except: { wasm: 'selects other booleans' } }];
    const addends = Array.from({ length: random.integer(1, 4) }, () => x);
    return [select, { op: 'AddN', inputs: variadic(addends), attributes: {} }];
  });
}

const READS_FLOAT = { wasm: 'reads int32 as if it were float32' };

/** Dtypes that TensorFlow.js seldom hands to these kernels, and where one backend departs from the table. */
function exceptionCases(random: Random): OpCase[] {
  const shape = randomShape(random, 2);
  return [
    {
      op: 'FloorDiv',
      inputs: { a: f32(shape, { min: 1, max: 9 }), b: f32(shape, { min: 1, max: 2 }) },
      attributes: {},
      except: { wasm: 'gives float32, where cpu gives int32' },
    },
    {
      op: 'Exp',
      inputs: { x: i32(shape) },
      attributes: {},
    },
    {
      op: 'Expm1',
      inputs: { x: i32(shape) },
      attributes: {},
      except: { wasm: 'gives float32, where cpu gives int32' },
    },
    { op: 'Prelu', inputs: { x: i32(shape), alpha: f32(shape) }, attributes: {} },
    { op: 'LeakyRelu', inputs: { x: i32(shape) }, attributes: { alpha: 0.2 } },
    { op: 'RealDiv', inputs: { a: i32(shape, { min: 1 }), b: i32(shape, { min: 1 }) }, attributes: {} },
    ...['Reciprocal', 'IsFinite', 'IsInf', 'IsNan'].map((op) => ({
      op,
      inputs: { x: i32(shape, { min: 1 }) },
      attributes: {},
      except: READS_FLOAT,
    })),
    {
      op: 'ClipByValue',
      inputs: { x: i32(shape) },
      attributes: { clipValueMin: -1, clipValueMax: 1 },
      except: READS_FLOAT,
    },
    { op: 'Step', inputs: { x: i32(shape) }, attributes: { alpha: 0 } },
  ];
}

export const elementwiseCases: CaseTable = (random) => [
  ...unaryCases(random),
  ...binaryCases(random),
  ...castCases(random),
  ...activationCases(random),
  ...manyInputCases(random),
  ...exceptionCases(random),
];
