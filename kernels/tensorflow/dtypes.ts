/** Which dtypes TensorFlow's ops take, where these are fewer than TensorFlow.js's kernels do. */
import type { ProgramNode } from '../../scheduler/kernel.js';

/** Ops of floats only. */
const FLOATS: ReadonlySet<string> = new Set([
  ...[
    'Acos',
    'Acosh',
    'Asin',
    'Asinh',
    'Atan',
    'Atan2',
    'Atanh',
    'Erf',
    'Expm1',
    'Log1p',
    'Sinh',
    'Softplus',
  ],
  ...['IsFinite', 'IsInf', 'IsNan', 'LeakyRelu', 'Reciprocal', 'RealDiv', 'Selu', 'Step'],
  // Gives zeros for integers.
  'Round',
  // Refuse what a number divided by zero or its negative power would be.
  ...['Mod', 'Pow'],
]);

/** Ops of floats and integers. */
const NUMBERS: ReadonlySet<string> = new Set([
  ...['Add', 'AddN', 'BatchToSpaceND', 'ClipByValue', 'Cumprod', 'Cumsum', 'Diag', 'Exp', 'Multiply', 'Relu'],
  ...['Greater', 'GreaterEqual', 'Less', 'LessEqual', 'Max', 'Maximum', 'Min', 'Minimum', 'Prod', 'Relu6'],
  ...['Sign', 'SpaceToBatchND', 'Square', 'Sum'],
]);

/** Whether TensorFlow's op takes the node's inputs. */
export function takesDTypes({ op, inputSpecs }: ProgramNode): boolean {
  if (FLOATS.has(op)) return inputSpecs.every(({ dtype }) => dtype === 'float32');
  // Rounds down what TensorFlow.js makes integers of, and refuses to divide those by zero.
  if (op === 'FloorDiv') return false;
  return !NUMBERS.has(op) || inputSpecs.every(({ dtype }) => dtype !== 'bool');
}
