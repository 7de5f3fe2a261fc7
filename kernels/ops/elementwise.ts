/** Ops that compute each output element from the elements at its place. */
import type { DType } from '../../scheduler/tensor.js';
import { dtypeAttribute, numberAttribute } from './attributes.js';
import { moveCost, perAnyInput } from './cost.js';
import { expect } from './mistake.js';
import type { OpDefinition } from './op.js';
import {
  ANY,
  BOOL,
  broadcastShape,
  expectBroadcastTo,
  expectDType,
  expectSameDType,
  expectShape,
  FLOAT,
  INT,
  inputList,
  NUMERIC,
  spec,
} from './specs.js';

interface Options {
  /** dtypes the op is defined for; any when left out. */
  readonly accepts?: readonly DType[];
  /** dtype of the result where it is not the input's. */
  readonly result?: DType;
  /** Attributes that must be numbers. */
  readonly numbers?: readonly string[];
}

/** An op on one tensor. */
function unary(name: string, { accepts = ANY, result, numbers = [] }: Options = {}): OpDefinition {
  return {
    name,
    inputs: ['x'],
    infer(inputs, attributes) {
      const x = inputs['x']!;
      expectDType(x, 'x', accepts);
      for (const attribute of numbers) numberAttribute(attributes, attribute);
      return [spec(result ?? x.dtype, x.shape)];
    },
  };
}

/** An op on two tensors of one dtype that broadcast. */
function binary(name: string, { accepts = ANY, result }: Options = {}): OpDefinition {
  return {
    name,
    inputs: ['a', 'b'],
    infer(inputs) {
      const a = inputs['a']!;
      const b = inputs['b']!;
      expectDType(a, 'a', accepts);
      expectSameDType([a, b]);
      return [spec(result ?? a.dtype, broadcastShape(a.shape, b.shape))];
    },
  };
}

const addN: OpDefinition = {
  name: 'AddN',
  inputs: 'variadic',
  infer(inputs) {
    const list = inputList(inputs);
    expectSameDType(list);
    for (const [index, input] of list.entries()) expectShape(input, `input ${index}`, list[0]!.shape);
    return [spec(list[0]!.dtype, list[0]!.shape)];
  },
  cost: perAnyInput,
};

const cast: OpDefinition = {
  name: 'Cast',
  inputs: ['x'],
  infer: (inputs, attributes) => [spec(dtypeAttribute(attributes, 'dtype'), inputs['x']!.shape)],
};

/** TensorFlow.js broadcasts all three before the kernel; the cpu kernel reads wrong elements otherwise. */
const select: OpDefinition = {
  name: 'Select',
  inputs: ['condition', 't', 'e'],
  infer(inputs) {
    const t = inputs['t']!;
    const e = inputs['e']!;
    const condition = inputs['condition']!;
    expectDType(condition, 'condition', BOOL);
    expectSameDType([t, e]);
    expectShape(e, 'e', t.shape);
    expectShape(condition, 'condition', t.shape);
    return [spec(t.dtype, t.shape)];
  },
};

/** The result is float32 whatever the input is. */
const prelu: OpDefinition = {
  name: 'Prelu',
  inputs: ['x', 'alpha'],
  infer(inputs) {
    const x = inputs['x']!;
    expectDType(x, 'x', NUMERIC);
    expectDType(inputs['alpha']!, 'alpha', FLOAT);
    expectBroadcastTo(inputs['alpha']!, 'alpha', x.shape);
    return [spec('float32', x.shape)];
  },
};

const eluGrad: OpDefinition = {
  name: 'EluGrad',
  inputs: ['dy', 'y'],
  infer(inputs) {
    const y = inputs['y']!;
    expectDType(y, 'y', FLOAT);
    expectDType(inputs['dy']!, 'dy', FLOAT);
    expectShape(inputs['dy']!, 'dy', y.shape);
    return [spec('float32', y.shape)];
  },
};

const clipByValue: OpDefinition = {
  name: 'ClipByValue',
  inputs: ['x'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    const least = numberAttribute(attributes, 'clipValueMin');
    const most = numberAttribute(attributes, 'clipValueMax');
    expect(least <= most, `clipValueMin of clipValueMax (${most}) at most`, least);
    return [spec(x.dtype, x.shape)];
  },
};

const float = { accepts: FLOAT };
const numeric = { accepts: NUMERIC };
const test = { result: 'bool' } as const;
const logical = { accepts: BOOL, result: 'bool' } as const;

export const ELEMENTWISE: readonly OpDefinition[] = [
  unary('Abs', numeric),
  unary('Acos', numeric),
  unary('Acosh', numeric),
  unary('Asin', numeric),
  unary('Asinh', numeric),
  unary('Atan', numeric),
  unary('Atanh', numeric),
  unary('Ceil', float),
  unary('Cos', float),
  unary('Cosh', float),
  unary('Elu', float),
  unary('Erf', numeric),
  unary('Exp', { result: 'float32' }),
  unary('Expm1', numeric),
  unary('Floor', float),
  unary('IsFinite', test),
  unary('IsInf', test),
  unary('IsNan', test),
  unary('LeakyRelu', { accepts: NUMERIC, result: 'float32', numbers: ['alpha'] }),
  unary('Log', float),
  unary('Log1p', numeric),
  unary('LogicalNot', logical),
  unary('Neg', numeric),
  unary('Reciprocal', numeric),
  unary('Relu'),
  unary('Relu6'),
  unary('Round'),
  unary('Rsqrt', float),
  unary('Selu', numeric),
  unary('Sigmoid', float),
  unary('Sign'),
  unary('Sin', float),
  unary('Sinh', numeric),
  unary('Softplus', numeric),
  unary('Sqrt', float),
  unary('Square'),
  unary('Step', { numbers: ['alpha'] }),
  unary('Tan', float),
  unary('Tanh', float),
  { ...unary('Identity'), cost: moveCost },
  { ...unary('OnesLike'), cost: moveCost },
  { ...unary('ZerosLike'), cost: moveCost },
  clipByValue,
  cast,
  prelu,
  eluGrad,
  binary('Add'),
  binary('Atan2', numeric),
  binary('BitwiseAnd', { accepts: INT }),
  // TensorFlow.js's cpu kernel makes it int32; the wasm kernel keeps the dtype, so that only int32 agrees.
  binary('FloorDiv', { result: 'int32' }),
  binary('Maximum'),
  binary('Minimum'),
  binary('Mod', numeric),
  binary('Multiply'),
  binary('Pow', numeric),
  binary('RealDiv', numeric),
  binary('SquaredDifference', numeric),
  binary('Sub', numeric),
  binary('Equal', test),
  binary('Greater', test),
  binary('GreaterEqual', test),
  binary('Less', test),
  binary('LessEqual', test),
  binary('NotEqual', test),
  binary('LogicalAnd', logical),
  binary('LogicalOr', logical),
  binary('LogicalXor', logical),
  addN,
  select,
];
