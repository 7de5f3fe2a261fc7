/**
 * Which dtypes wasm's kernels compute correctly.
 *
 * Found by running every kernel with every dtype on wasm and on the cpu (tfjs 4.22.0). Most wasm kernels ignore the dtype:
 * they read int32 as float32, and write four bytes per element of a bool tensor, past its end. So float32 is taken for
 * granted and other dtypes only where listed.
 */
import type { ProgramNode } from '../../scheduler/kernel.js';
import type { DType } from '../../scheduler/tensor.js';

/** Correct for int32, too. */
const INT32_TOO = new Set([
  ...['Abs', 'Neg', 'Relu', 'Relu6', 'Sign', 'Square', 'Step'],
  ...['Add', 'AddN', 'Maximum', 'Minimum', 'SquaredDifference', 'Sub'],
  ...['Sum', 'Prod', 'Cumsum', 'Cumprod', 'TopK', 'Reverse', 'Select'],
  ...['Bincount', 'DenseBincount', 'SearchSorted'],
]);

/** Correct for all dtypes. */
const ALL_DTYPES = new Set([
  ...['Equal', 'Greater', 'GreaterEqual', 'Less', 'LessEqual', 'NotEqual', 'Multiply'],
  ...['Max', 'Min', 'Mean', 'ArgMax', 'ArgMin', 'Cast'],
  ...['Identity', 'Reshape', 'ExpandDims', 'OnesLike', 'ZerosLike', 'Fill', 'Range'],
  ...['Concat', 'Pack', 'Unpack', 'SplitV', 'Slice', 'Transpose', 'Tile', 'PadV2', 'MirrorPad'],
  ...['GatherV2', 'GatherNd', 'ScatterNd', 'TensorScatterUpdate', 'SparseToDense'],
  ...['BatchToSpaceND', 'SpaceToBatchND', 'BroadcastArgs', 'Diag'],
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
  SparseToDense: 'sparseValues',
};

/** Ops on two tensors whose kernels take the dtype of the second for granted. */
const SAME_DTYPE = new Set(['Atan2', 'Pow', 'Add', 'Sub', 'Multiply', 'Maximum', 'Minimum', 'Prelu']);

/** Whether the node's wasm kernel knows the dtypes of its inputs. */
export function takesDTypes(node: ProgramNode): boolean {
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
