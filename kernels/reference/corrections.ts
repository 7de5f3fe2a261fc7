/** Cpu kernels of TensorFlow.js 4.22.0 that are missing or wrong, put right with the help of those that are not. */
import type { ProgramNode } from '../../scheduler/kernel.js';
import { allocateData, elementCount, type Shape, type Tensor } from '../../scheduler/tensor.js';
import { runsAlongEnd } from '../ops/specs.js';
import { prepareStridedSlice } from '../own/strided-slice.js';

/** The node as a function of its inputs, in order. */
export type Evaluate = (inputs: readonly Tensor[]) => readonly Tensor[];

/** A kernel of TensorFlow.js as it is, for any node of its op. */
export type RunKernel = (node: ProgramNode, inputs: readonly Tensor[]) => readonly Tensor[];

/** A kernel that is wrong, or missing, and what to do in its place. */
interface Correction {
  /** Whether the kernel is wrong for a node; it is for all when left out. */
  readonly when?: (node: ProgramNode) => boolean;
  readonly correct: (node: ProgramNode, run: RunKernel) => Evaluate;
}

const CORRECTIONS: Readonly<Record<string, Correction>> = {
  BatchMatMul: {
    when: repeatsBatches,
    correct: (node, run) => (inputs) => run(node, withFullBatches(node, inputs)),
  },
  // Counts the elements of a vector although they are only to be found.
  DenseBincount: { when: ({ inputSpecs }) => inputSpecs[0]!.shape.length === 1, correct: asMatrix },
  // Throws.
  DepthToSpace: { when: ({ attributes }) => attributes['dataFormat'] === 'NCHW', correct: channelsLast },
  // Is missing.
  LogicalXor: { correct: (node, run) => (inputs) => run({ ...node, op: 'NotEqual' }, inputs) },
  // Calls the width height.
  ResizeBilinearGrad: { correct: (node, run) => (inputs) => withShapes(node, run(node, inputs)) },
  // Mixes up the images of a batch.
  ResizeNearestNeighborGrad: { correct: imageByImage },
  // Adds booleans up, modulo 256.
  ScatterNd: { when: ({ outputSpecs }) => outputSpecs[0]!.dtype === 'bool', correct: scatterTruths },
  // Gives 0 for a scalar.
  Slice: { when: ({ inputSpecs }) => inputSpecs[0]!.shape.length === 0, correct: () => (inputs) => inputs },
  // Mixes up the dimensions where an axis is dropped and another has a stride.
  StridedSlice: { correct: sliceByStrides },
  // Computes the first image only.
  Transform: { correct: imageByImage },
};

function correctionOf(op: string): Correction | undefined {
  return Object.hasOwn(CORRECTIONS, op) ? CORRECTIONS[op] : undefined;
}

/** Whether TensorFlow.js computes some nodes of an op wrongly. */
export function isCorrected(op: string): boolean {
  return correctionOf(op) !== undefined;
}

/** How to evaluate a node whose kernel is wrong, or missing; `undefined` where the kernel is right. */
export function correction(node: ProgramNode, run: RunKernel): Evaluate | undefined {
  const { when, correct } = correctionOf(node.op) ?? {};
  return when === undefined || when(node) ? correct?.(node, run) : undefined;
}

/**
 * Whether a product's operand has to be repeated other than as it lies. TensorFlow.js's kernels, those for wasm included,
 * start over with its first matrix where a batch ends.
 */
export function repeatsBatches({ inputSpecs, outputSpecs }: ProgramNode): boolean {
  const batch = outputSpecs[0]!.shape.slice(0, -2);
  return !inputSpecs.every(({ shape }) => runsAlongEnd(shape.slice(0, -2), batch));
}

function withShape({ dtype, data }: Tensor, shape: Shape): Tensor {
  return { dtype, shape, data };
}

function withShapes({ outputSpecs }: ProgramNode, outputs: readonly Tensor[]): readonly Tensor[] {
  return outputs.map((output, index) => withShape(output, outputSpecs[index]!.shape));
}

/** Scatters numbers, which are not 0 where one of them is true. */
function scatterTruths(node: ProgramNode, run: RunKernel): Evaluate {
  const place = node.inputNames.indexOf('updates');
  return (inputs) => {
    const updates = inputs[place]!;
    const numbers: Tensor = { ...updates, dtype: 'int32', data: Int32Array.from(updates.data) };
    const [sums] = run(node, inputs.with(place, numbers));
    return [{ ...sums!, dtype: 'bool', data: Uint8Array.from(sums!.data, (sum) => Number(sum !== 0)) }];
  };
}

function withFullBatches({ outputSpecs }: ProgramNode, inputs: readonly Tensor[]): readonly Tensor[] {
  const batch = outputSpecs[0]!.shape.slice(0, -2);
  return inputs.map((input) => repeated(input, batch));
}

/** The tensor with its matrices repeated so that it has the batch's shape. */
function repeated({ dtype, shape, data }: Tensor, batch: Shape): Tensor {
  const matrix = shape.slice(-2);
  const size = elementCount(matrix);
  const own = [...Array<number>(batch.length - shape.length + 2).fill(1), ...shape.slice(0, -2)];
  const full = allocateData(dtype, elementCount(batch) * size);
  for (let place = 0; place < elementCount(batch); place++) {
    const from = sourceOf(place, batch, own) * size;
    full.set(data.subarray(from, from + size), place * size);
  }
  return { dtype, shape: [...batch, ...matrix], data: full };
}

/** Flat place in a tensor of shape `own` that broadcasts to a place in one of shape `batch`. */
function sourceOf(place: number, batch: Shape, own: Shape): number {
  let source = 0;
  let stride = 1;
  let rest = place;
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    if (own[axis] !== 1) source += (rest % batch[axis]!) * stride;
    rest = Math.floor(rest / batch[axis]!);
    stride *= own[axis]!;
  }
  return source;
}

function asMatrix(node: ProgramNode, run: RunKernel): Evaluate {
  return (inputs) => {
    const rows = inputs.map((input) =>
      input.shape.length === 1 ? withShape(input, [1, ...input.shape]) : input,
    );
    return withShapes(node, run(node, rows));
  };
}

function channelsLast(node: ProgramNode, run: RunKernel): Evaluate {
  const transpose = (x: Tensor, perm: readonly number[]) =>
    run({ ...node, op: 'Transpose', attributes: { perm }, outputSpecs: [] }, [x])[0]!;
  return ([x]) => {
    const attributes = { ...node.attributes, dataFormat: 'NHWC' };
    const [spread] = run({ ...node, attributes }, [transpose(x!, [0, 2, 3, 1])]);
    return [transpose(spread!, [0, 3, 1, 2])];
  };
}

function sliceByStrides(node: ProgramNode): Evaluate {
  const copy = prepareStridedSlice(node);
  const output = node.outputSpecs[0]!;
  return ([x]) => {
    const data = allocateData(output.dtype, elementCount(output.shape));
    copy(x!.data, data);
    return [{ ...output, data }];
  };
}

/** Evaluates each image of a batch by itself; an input with a single one serves all. */
function imageByImage(node: ProgramNode, run: RunKernel): Evaluate {
  return (inputs) => {
    const [output] = node.outputSpecs;
    const [batch] = output!.shape as [number];
    const data = allocateData(output!.dtype, elementCount(output!.shape));
    for (let image = 0; image < batch; image++) {
      const [result] = run(
        node,
        inputs.map((input) => pick(input, image, batch)),
      );
      data.set(result!.data, image * result!.data.length);
    }
    return [{ ...output!, data }];
  };
}

function pick({ dtype, shape, data }: Tensor, image: number, batch: number): Tensor {
  const size = elementCount(shape.slice(1));
  const place = shape[0] === batch ? image : 0;
  return { dtype, shape: shape.with(0, 1), data: data.slice(place * size, (place + 1) * size) };
}
