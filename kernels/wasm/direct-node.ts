/**
 * Nodes that call the exported function directly. Specs are known when a node is prepared, so broadcasting, shape
 * arrays and argument objects, which cost TensorFlow.js several times what a small kernel does, are gone from the call.
 */
import * as tf from '@tensorflow/tfjs-core';
import { invariant } from '../../scheduler/errors.js';
import type { ValueId } from '../../scheduler/graph.js';
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import {
  byteLength,
  type DType,
  elementCount,
  type Shape,
  sameShape,
  type TensorSpec,
} from '../../scheduler/tensor.js';
import type { Heap, HeapTensor } from './heap.js';
import type { WasmFunction, WasmModule } from './module.js';

/** `DType`s as the kernels number them (tfjs-backend-wasm, src/cc/backend.h). */
const DTYPE_NUMBERS = { float32: 0, int32: 1, bool: 2 } as const;

/** Dtype of a family's output: of its first input, or always the same. */
type OutputDType = DType | 'input';

/** Kernels whose export takes (a, shape, rank, b, shape, rank, dtype, out), from tfjs's `createBinaryKernelConfig`. */
const BINARY: Readonly<Record<string, OutputDType>> = {
  Add: 'input',
  Atan2: 'input',
  BitwiseAnd: 'input',
  Equal: 'bool',
  Greater: 'bool',
  GreaterEqual: 'bool',
  Less: 'bool',
  LessEqual: 'bool',
  LogicalAnd: 'bool',
  LogicalOr: 'bool',
  LogicalXor: 'bool',
  Maximum: 'input',
  Minimum: 'input',
  Mod: 'input',
  Multiply: 'input',
  NotEqual: 'bool',
  Pow: 'input',
  RealDiv: 'input',
  SquaredDifference: 'input',
  Sub: 'input',
};

/** Kernels whose export takes (x, dtype, out), from tfjs's `createUnaryKernelConfig`. */
const UNARY: Readonly<Record<string, OutputDType>> = {
  Abs: 'input',
  Acos: 'input',
  Acosh: 'input',
  Asin: 'input',
  Asinh: 'input',
  Atan: 'input',
  Atanh: 'input',
  Ceil: 'input',
  Cos: 'input',
  Cosh: 'input',
  Elu: 'input',
  Erf: 'input',
  Exp: 'float32',
  Expm1: 'float32',
  Floor: 'input',
  IsFinite: 'bool',
  IsInf: 'bool',
  IsNan: 'bool',
  Log: 'input',
  Log1p: 'input',
  LogicalNot: 'input',
  Neg: 'input',
  Reciprocal: 'input',
  Relu: 'input',
  Relu6: 'input',
  Round: 'input',
  Rsqrt: 'input',
  Selu: 'input',
  Sign: 'input',
  Sin: 'input',
  Sinh: 'input',
  Softplus: 'input',
  Sqrt: 'input',
  Square: 'input',
  Tan: 'input',
  Tanh: 'input',
};

const UNARY_ARITY = 3;
const BINARY_ARITY = 8;

/** Ops whose output is their input's memory under another shape. */
const ALIASES = new Set(['ExpandDims', 'Identity', 'Reshape']);

/** Where the shapes of one call lie on the heap. */
export interface ShapeScratch {
  readonly a: number;
  readonly b: number;
}

/** Prepares a node of the families above that has elements, or returns `undefined` for any other. */
export function prepareDirectNode(
  node: ProgramNode,
  heap: Heap,
  module: WasmModule,
  scratch: ShapeScratch,
): PreparedNode | undefined {
  if (ALIASES.has(node.op)) return prepareAlias(node, heap);
  const unary = Object.hasOwn(UNARY, node.op) ? UNARY[node.op] : undefined;
  if (unary !== undefined && unaryAgrees(node, unary)) return prepareUnary(node, heap, module);
  const binary = Object.hasOwn(BINARY, node.op) ? BINARY[node.op] : undefined;
  if (binary !== undefined && binaryAgrees(node, binary)) {
    return prepareBinary(node, heap, module, scratch);
  }
  return undefined;
}

function prepareAlias(node: ProgramNode, heap: Heap): PreparedNode {
  const from = node.inputs[0]!;
  const to = node.outputs[0]!;
  const { dtype, shape } = node.outputSpecs[0]!;
  return (values) => {
    const { dataId } = values[from] as HeapTensor;
    heap.retain(dataId);
    values[to] = { dataId, dtype, shape } as HeapTensor;
  };
}

function prepareUnary(node: ProgramNode, heap: Heap, module: WasmModule): PreparedNode {
  const call = exported(module, node.op, UNARY_ARITY);
  const from = node.inputs[0]!;
  const to = node.outputs[0]!;
  const output = measured(node.outputSpecs[0]!);
  const { complaints } = module;
  const dtypeNumber = DTYPE_NUMBERS[node.inputSpecs[0]!.dtype];
  return (values) => {
    const x = (values[from] as HeapTensor).dataId;
    const dataId = heap.allocateBytes(output.spec, output.bytes, output.elements);
    try {
      call(x.id, dtypeNumber, dataId.id);
      if (complaints.first !== undefined) throw complaints.take();
    } catch (error) {
      heap.release(dataId);
      throw error;
    }
    values[to] = { dataId, dtype: output.spec.dtype, shape: output.spec.shape } as HeapTensor;
  };
}

function prepareBinary(
  node: ProgramNode,
  heap: Heap,
  module: WasmModule,
  scratch: ShapeScratch,
): PreparedNode {
  const call = exported(module, node.op, BINARY_ARITY);
  const [aId, bId] = node.inputs as [ValueId, ValueId];
  const [aSpec, bSpec] = node.inputSpecs as [TensorSpec, TensorSpec];
  const to = node.outputs[0]!;
  const output = measured(node.outputSpecs[0]!);
  const { complaints } = module;
  const aShape = aSpec.shape;
  const bShape = bSpec.shape;
  const dtypeNumber = DTYPE_NUMBERS[aSpec.dtype];
  return (values) => {
    const a = (values[aId] as HeapTensor).dataId;
    const b = (values[bId] as HeapTensor).dataId;
    const dataId = heap.allocateBytes(output.spec, output.bytes, output.elements);
    try {
      writeShape(module.HEAP32, scratch.a, aShape);
      writeShape(module.HEAP32, scratch.b, bShape);
      call(a.id, scratch.a, aShape.length, b.id, scratch.b, bShape.length, dtypeNumber, dataId.id);
      if (complaints.first !== undefined) throw complaints.take();
    } catch (error) {
      heap.release(dataId);
      throw error;
    }
    values[to] = { dataId, dtype: output.spec.dtype, shape: output.spec.shape } as HeapTensor;
  };
}

/** Whether the node's specs are those that the family's kernels compute with; any others are left to tfjs's checks. */
function unaryAgrees(node: ProgramNode, output: OutputDType): boolean {
  const [x] = node.inputSpecs;
  const [out] = node.outputSpecs;
  return out!.dtype === (output === 'input' ? x!.dtype : output) && sameShape(x!.shape, out!.shape);
}

function binaryAgrees(node: ProgramNode, output: OutputDType): boolean {
  const [a, b] = node.inputSpecs;
  const [out] = node.outputSpecs;
  if (a!.dtype !== b!.dtype || out!.dtype !== (output === 'input' ? a!.dtype : output)) return false;
  try {
    const shape = tf.backend_util.assertAndGetBroadcastShape([...a!.shape], [...b!.shape]);
    return sameShape(shape, out!.shape);
  } catch {
    return false;
  }
}

/** The kernel's export, whose signature must be its family's: WebAssembly takes any number of arguments. */
function exported(module: WasmModule, op: string, arity: number): WasmFunction {
  const call = module.asm[op];
  invariant(call?.length === arity, `wasm kernel ${op} takes ${arity} arguments`);
  return call;
}

function writeShape(words: Int32Array, pointer: number, shape: Shape): void {
  const place = pointer >>> 2;
  for (let index = 0; index < shape.length; index++) words[place + index] = shape[index]!;
}

function measured(spec: TensorSpec) {
  return { spec, bytes: byteLength(spec), elements: elementCount(spec.shape) };
}
