/** Products of matrices. */
import { backend_util } from '@tensorflow/tfjs-core';
import type { Attributes } from '../../scheduler/graph.js';
import { elementCount, formatSpec, type Shape, type TensorSpec } from '../../scheduler/tensor.js';
import { checkFusion, FUSED_INPUTS } from './activation.js';
import { flagAttribute } from './attributes.js';
import { expect } from './mistake.js';
import type { InputSpecs, OpDefinition } from './op.js';
import {
  broadcastShape,
  expectDType,
  expectRank,
  expectSameDType,
  FLOAT,
  inputList,
  NUMERIC,
  spec,
  tensorInfo,
} from './specs.js';

/** Rows and columns of a matrix as the product sees it. */
function matrixSides(matrix: TensorSpec, name: string, transposed: boolean): [number, number] {
  expect(matrix.shape.length >= 2, `${name} of rank 2 or more`, formatSpec(matrix));
  const [rows, columns] = matrix.shape.slice(-2);
  return transposed ? [columns!, rows!] : [rows!, columns!];
}

function productShape(inputs: InputSpecs, attributes: Attributes): Shape {
  const a = inputs['a']!;
  const b = inputs['b']!;
  expectSameDType([a, b]);
  const [rows, innerA] = matrixSides(a, 'a', flagAttribute(attributes, 'transposeA'));
  const [innerB, columns] = matrixSides(b, 'b', flagAttribute(attributes, 'transposeB'));
  expect(innerA === innerB, `b with inner dimension ${innerA}`, formatSpec(b));
  return [...broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns];
}

/** 2·m·k·n for each matrix of the batch. */
function productCost(inputs: InputSpecs, outputs: readonly TensorSpec[], attributes: Attributes) {
  const [, inner] = matrixSides(inputs['a']!, 'a', flagAttribute(attributes, 'transposeA'));
  return { operations: 2 * elementCount(outputs[0]!.shape) * inner };
}

const batchMatMul: OpDefinition = {
  name: 'BatchMatMul',
  inputs: ['a', 'b'],
  infer(inputs, attributes) {
    expectDType(inputs['a']!, 'a', NUMERIC);
    return [spec(inputs['a']!.dtype, productShape(inputs, attributes))];
  },
  cost: productCost,
};

/** Takes batches only, as `tf.fused.matMul` hands them over: the wasm kernel leaves its heap with other ranks. */
const fusedMatMul: OpDefinition = {
  name: '_FusedMatMul',
  inputs: ['a', 'b'],
  optionalInputs: FUSED_INPUTS,
  infer(inputs, attributes) {
    for (const name of ['a', 'b']) expectRank(inputs[name]!, name, 3);
    expectDType(inputs['a']!, 'a', FLOAT);
    const shape = productShape(inputs, attributes);
    checkFusion(inputs, attributes, shape);
    return [spec('float32', shape)];
  },
  cost: productCost,
};

/** Checks that a term has a letter for each dimension: the cpu kernel makes up lengths of others. */
function expectLetters(dims: readonly number[], operand: TensorSpec, index: number): void {
  expect(dims.length === operand.shape.length, `input ${index} of rank ${dims.length}`, formatSpec(operand));
}

/** Lengths of an einsum's dimensions: those of the result first, then the summed ones. */
function einsumDimensions(inputs: InputSpecs, attributes: Attributes) {
  const list = inputList(inputs);
  const { equation } = attributes;
  expect(typeof equation === 'string', 'attribute equation to be a string', equation);
  const { allDims, summedDims, idDims } = backend_util.decodeEinsumEquation(equation, list.length);
  for (const [operand, dims] of idDims.entries()) expectLetters(dims, list[operand]!, operand);
  backend_util.checkEinsumDimSizes(allDims.length, idDims, list.map(tensorInfo) as never);
  const lengths = Array<number>(allDims.length);
  for (const [operand, dims] of idDims.entries()) {
    for (const [axis, dim] of dims.entries()) lengths[dim] = list[operand]!.shape[axis]!;
  }
  return { lengths, resultRank: allDims.length - summedDims.length };
}

const einsum: OpDefinition = {
  name: 'Einsum',
  inputs: 'variadic',
  infer(inputs, attributes) {
    const list = inputList(inputs);
    expectSameDType(list);
    expectDType(list[0]!, 'input 0', NUMERIC);
    const { lengths, resultRank } = einsumDimensions(inputs, attributes);
    return [spec(list[0]!.dtype, lengths.slice(0, resultRank))];
  },
  cost: (inputs, _outputs, attributes) => ({
    operations: 2 * elementCount(einsumDimensions(inputs, attributes).lengths),
  }),
};

export const MATMUL: readonly OpDefinition[] = [batchMatMul, fusedMatMul, einsum];
