/**
 * Which nodes wasm's kernels compute correctly; the rest run on the cpu kernels.
 *
 * Found by running every kernel with every dtype on both (tfjs 4.22.0). Most wasm kernels ignore the dtype: they read
 * int32 as float32, and write four bytes per element of a bool tensor, past its end. So float32 is taken for granted
 * and other dtypes only where listed.
 */
import type { ProgramNode } from '../../scheduler/kernel.js';
import { type DType, elementCount, type Shape } from '../../scheduler/tensor.js';
import { takesNumbers } from './nonfinite.js';
import { hasXnnpackWindows } from './windows.js';

/** Correct for int32, too. Not `Mod` and `RealDiv`, which trap when dividing by zero. */
const INT32_TOO = new Set([
  ...['Abs', 'Neg', 'Relu', 'Relu6', 'Sign', 'Square', 'Step'],
  ...['Add', 'AddN', 'Maximum', 'Minimum', 'SquaredDifference', 'Sub'],
  ...['Sum', 'Prod', 'Cumsum', 'Cumprod', 'TopK', 'Reverse', 'Select'],
  ...['Bincount', 'DenseBincount', 'SearchSorted', 'SparseSegmentSum', 'SparseFillEmptyRows'],
]);

/** Correct for all dtypes. */
const ALL_DTYPES = new Set([
  ...['Equal', 'Greater', 'GreaterEqual', 'Less', 'LessEqual', 'NotEqual', 'Multiply'],
  ...['Max', 'Min', 'Mean', 'ArgMax', 'ArgMin', 'Cast'],
  ...['Identity', 'Reshape', 'ExpandDims', 'OnesLike', 'ZerosLike', 'Fill', 'Range', 'LinSpace'],
  ...['Concat', 'Pack', 'Unpack', 'SplitV', 'Slice', 'Transpose', 'Tile', 'PadV2', 'MirrorPad'],
  ...['GatherV2', 'GatherNd', 'ScatterNd', 'TensorScatterUpdate', 'SparseToDense', 'Unique'],
  ...['BatchToSpaceND', 'SpaceToBatchND', 'BroadcastArgs', 'Diag', 'SparseReshape'],
]);

/** Correct for one dtype that is not float32. */
const ONLY: Readonly<Record<string, DType>> = {
  All: 'bool',
  Any: 'bool',
  BitwiseAnd: 'int32',
  LogicalAnd: 'bool',
  LogicalNot: 'bool',
  LogicalOr: 'bool',
  LogicalXor: 'bool',
  OneHot: 'int32',
};

/** Inputs that decide on the dtype where it is not the first one. */
const DATA_INPUT: Readonly<Record<string, string>> = {
  Bincount: 'weights',
  DenseBincount: 'weights',
  ScatterNd: 'updates',
  Select: 't',
  SparseFillEmptyRows: 'values',
  SparseToDense: 'sparseValues',
};

/** Ops on two tensors whose kernels take the dtype of the second for granted. */
const SAME_DTYPE = new Set(['Atan2', 'Pow', 'Add', 'Sub', 'Multiply', 'Maximum', 'Minimum', 'Prelu']);

type Rule = (node: ProgramNode) => boolean;

const never: Rule = () => false;

/** Wrong for float32 as well, with what must hold for them to be right. */
const RULES: Readonly<Record<string, Rule>> = {
  // Take the least positive float for the least float, so that windows of negative numbers come out wrong.
  Dilation2D: never,
  Dilation2DBackpropFilter: never,
  Dilation2DBackpropInput: never,
  MaxPool3D: never,
  MaxPool3DGrad: never,
  MaxPoolGrad: never,
  MaxPoolWithArgmax: never,
  // Mix up strides.
  Conv3DBackpropFilterV2: never,
  Conv3DBackpropInputV2: never,
  // Gives float32 for float32, and INT_MIN when dividing by zero.
  FloorDiv: never,
  // Stores what remains of the number modulo 256, where any other than 0 is true.
  Cast: (node) => node.attributes['dtype'] !== 'bool' || node.inputSpecs[0]!.dtype === 'bool',
  // Mixes up the batches.
  GatherV2: (node) => !node.attributes['batchDims'],
  // Knows weights along the last dimensions only.
  Prelu: (node) => isSuffix(inputShape(node, 'alpha')!, inputShape(node, 'x')!),
  // Takes -1 for a number of classes; TensorFlow.js does not pass it.
  Softmax: (node) => node.attributes['dim'] !== -1,
  // Throw.
  Conv2D: (node) => node.attributes['dataFormat'] !== 'NCHW',
  Conv2DBackpropInput: (node) => node.attributes['dataFormat'] !== 'NCHW',
  FusedConv2D: fusesSimply,
  FusedDepthwiseConv2D: fusesSimply,
};

function fusesSimply(node: ProgramNode): boolean {
  const bias = inputShape(node, 'bias');
  return node.attributes['dataFormat'] !== 'NCHW' && (bias === undefined || bias.length === 1);
}

/** Whether the node's wasm kernel computes it correctly. */
export function isCorrectOnWasm(node: ProgramNode): boolean {
  // Kernels skip empty inputs and leave outputs that are not empty as they find them.
  if (node.inputSpecs.some(({ shape }) => elementCount(shape) === 0)) return false;
  if (!takesNumbers(node)) return false;
  const rule = Object.hasOwn(RULES, node.op) ? RULES[node.op] : undefined;
  return takesDTypes(node) && (rule === undefined || rule(node)) && hasXnnpackWindows(node);
}

function takesDTypes(node: ProgramNode): boolean {
  const { op } = node;
  const dtype = dataDType(node);
  if (dtype === undefined || ALL_DTYPES.has(op)) return sameDTypes(node);
  if (Object.hasOwn(ONLY, op)) return dtype === ONLY[op];
  return (dtype === 'float32' || (dtype === 'int32' && INT32_TOO.has(op))) && sameDTypes(node);
}

function dataDType(node: ProgramNode): unknown {
  if (node.op === 'OneHot') return node.attributes['dtype'] ?? 'int32';
  const name = Object.hasOwn(DATA_INPUT, node.op) ? DATA_INPUT[node.op] : undefined;
  const index = name === undefined ? 0 : node.inputNames.indexOf(name);
  return node.inputSpecs[index]?.dtype;
}

function sameDTypes({ op, inputSpecs }: ProgramNode): boolean {
  return !SAME_DTYPE.has(op) || inputSpecs.every(({ dtype }) => dtype === inputSpecs[0]!.dtype);
}

function inputShape(node: ProgramNode, name: string): Shape | undefined {
  return node.inputSpecs[node.inputNames.indexOf(name)]?.shape;
}

/** Whether `shape` ends with `suffix`. */
function isSuffix(suffix: Shape, shape: Shape): boolean {
  const rest = shape.slice(shape.length - suffix.length);
  return suffix.length <= shape.length && suffix.every((length, index) => length === rest[index]);
}
