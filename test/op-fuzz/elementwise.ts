/** Random calls of ops that compute each element from the elements at its place. */
import { type CaseInput, of, variadic } from '../support/op-case.js';
import type { Random } from '../support/random.js';
import { broadcasting, chance, type Draw, type Draws, dtype, ordinary, shape } from './draw.js';

const UNARY = [
  ...['Abs', 'Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'Ceil', 'Cos', 'Cosh', 'Elu', 'Erf', 'Exp'],
  ...['Expm1', 'Floor', 'Identity', 'IsFinite', 'IsInf', 'IsNan', 'Log', 'Log1p', 'LogicalNot', 'Neg'],
  ...['OnesLike', 'Reciprocal', 'Relu', 'Relu6', 'Round', 'Rsqrt', 'Selu', 'Sigmoid', 'Sign', 'Sin', 'Sinh'],
  ...['Softplus', 'Sqrt', 'Square', 'Tan', 'Tanh', 'ZerosLike'],
];

const BINARY = [
  ...['Add', 'Atan2', 'BitwiseAnd', 'FloorDiv', 'Maximum', 'Minimum', 'Mod', 'Multiply', 'Pow', 'RealDiv'],
  ...['SquaredDifference', 'Sub', 'Equal', 'Greater', 'GreaterEqual', 'Less', 'LessEqual', 'NotEqual'],
  ...['LogicalAnd', 'LogicalOr', 'LogicalXor'],
];

const BOOLEAN = new Set(['LogicalNot', 'LogicalAnd', 'LogicalOr', 'LogicalXor']);

function typeFor(op: string, random: Random) {
  if (BOOLEAN.has(op)) return 'bool';
  return op === 'BitwiseAnd' ? 'int32' : dtype(random);
}

/** Values of a wider range than usual, whole ones among them. */
function operand(random: Random, type: CaseInput['dtype'], places: readonly number[]): CaseInput {
  if (chance(random, 0.3)) return of(type, places, { min: -9, max: 9 });
  return of(type, places, chance(random, 0.3) ? { min: 0.1, max: 3 } : {});
}

const unary =
  (op: string): Draw =>
  (random) => ({ inputs: { x: operand(random, typeFor(op, random), shape(random)) }, attributes: {} });

const binary =
  (op: string): Draw =>
  (random) => {
    const full = shape(random);
    const type = typeFor(op, random);
    const [a, b] = [0, 1].map(() => operand(random, type, broadcasting(random, full)));
    return { inputs: { a: a!, b: b! }, attributes: {} };
  };

const addN: Draw = (random) => {
  const x = of(dtype(random), shape(random));
  return {
    inputs: variadic(Array.from({ length: random.integer(1, 4) }, () => x)),
    attributes: {},
  };
};

const select: Draw = (random) => {
  const places = shape(random);
  const x = of(dtype(random), places);
  return { inputs: { condition: of('bool', places), t: x, e: x }, attributes: {} };
};

const prelu: Draw = (random) => {
  const places = shape(random);
  const ones = chance(random, 0.3)
    ? places.map((size, index) => (index < places.length - 1 ? 1 : size))
    : undefined;
  const alpha = of('float32', ones ?? broadcasting(random, places));
  return { inputs: { x: of(random.pick(['float32', 'float32', 'int32']), places), alpha }, attributes: {} };
};

const eluGrad: Draw = (random) => {
  const x = of('float32', shape(random));
  return { inputs: { dy: x, y: x }, attributes: {} };
};

const clipByValue: Draw = (random) => {
  const least = random.pick([-1, 0, 0.5, Number.NEGATIVE_INFINITY, ordinary(random)]);
  const most = random.pick([least, least + 1, 6, Number.POSITIVE_INFINITY]);
  return {
    inputs: { x: of(dtype(random), shape(random)) },
    attributes: { clipValueMin: least, clipValueMax: most },
  };
};

const withAlpha: Draw = (random) => ({
  inputs: { x: of(dtype(random), shape(random)) },
  attributes: { alpha: ordinary(random) },
});

const cast: Draw = (random) => ({
  inputs: { x: of(dtype(random), shape(random)) },
  attributes: { dtype: dtype(random) },
});

export const ELEMENTWISE: Draws = {
  ...Object.fromEntries(UNARY.map((op) => [op, unary(op)])),
  ...Object.fromEntries(BINARY.map((op) => [op, binary(op)])),
  AddN: addN,
  Cast: cast,
  ClipByValue: clipByValue,
  EluGrad: eluGrad,
  LeakyRelu: withAlpha,
  Prelu: prelu,
  Select: select,
  Step: withAlpha,
};
