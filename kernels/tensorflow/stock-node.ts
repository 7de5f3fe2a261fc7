/** Nodes that run on tfjs-node's kernel functions. */
import type { KernelFunc, NamedTensorInfoMap, Tensor } from '@tensorflow/tfjs-core';
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { byteLength, type TensorData, type TensorSpec } from '../../scheduler/tensor.js';
import { checkProduced } from '../ops/produced.js';
import { ALIASING, type CountedBinding } from './counted-binding.js';
import { stockAttributes } from './stock-attributes.js';
import type { StockData, StockPackage } from './stock-package.js';
import type { TensorFlowTensor } from './tensor.js';

/** Prepares a node on a kernel function of the package. */
export function prepareStockNode(
  kernel: KernelFunc,
  node: ProgramNode,
  stock: StockPackage,
  binding: CountedBinding,
): PreparedNode {
  const { inputs, inputNames, outputs, outputSpecs } = node;
  const attrs = stockAttributes(node);
  const newBytes = ALIASING.has(node.op) ? 0 : outputSpecs.reduce((sum, spec) => sum + byteLength(spec), 0);
  const isVariadic = inputNames[0] === '0';
  return (values) => {
    binding.checkRoom(newBytes);
    const given: Record<string, Tensor> = isVariadic ? ([] as unknown as Record<string, Tensor>) : {};
    for (let index = 0; index < inputs.length; index++)
      given[inputNames[index]!] = toStock(stock, binding, values[inputs[index]!] as TensorFlowTensor);
    const made = callKernel(node, binding, () =>
      kernel({ inputs: given as unknown as NamedTensorInfoMap, attrs, backend: stock.backend }),
    );
    for (let index = 0; index < outputs.length; index++) values[outputs[index]!] = made[index];
  };
}

/** An input as kernels take it. They cannot dispose of it: its references never end, and their engine does not know it. */
function toStock({ core }: StockPackage, binding: CountedBinding, tensor: TensorFlowTensor): Tensor {
  const { id, dtype, shape } = tensor;
  const data: StockData = {
    id,
    shape,
    dtype: binding.typeOf(dtype),
    values: null,
    refCount: Number.POSITIVE_INFINITY,
  };
  return new (core.Tensor as unknown as TensorClass)([...shape], dtype, data, -1);
}

type TensorClass = new (shape: number[], dtype: string, dataId: object, id: number) => Tensor;

/** Calls the kernel: gives exactly the node's outputs, or throws; either way nothing else is left of what it made. */
function callKernel(node: ProgramNode, binding: CountedBinding, call: () => unknown): TensorFlowTensor[] {
  binding.collectMade();
  const kept = new Set<number>();
  try {
    const result = call() as Tensor | Tensor[];
    const produced = Array.isArray(result) ? result : [result];
    checkProduced(node, produced as readonly (Tensor & TensorSpec)[], ({ dataId }) =>
      bytesUnder(binding, dataId as unknown as StockData),
    );
    const outputs = node.outputSpecs.map(({ dtype, shape }, index) => {
      const id = ownId(binding, produced[index]!.dataId as unknown as StockData, kept);
      kept.add(id);
      return { id, dtype, shape };
    });
    return outputs;
  } catch (error) {
    kept.clear();
    throw error;
  } finally {
    for (const id of binding.takeMade()) if (!kept.has(id)) binding.deleteTensor(id);
  }
}

/** Bytes of an output, in TensorFlow or still on their way there. */
function bytesUnder(binding: CountedBinding, { id, values }: StockData): number {
  return values === null ? binding.sizeOf(id) : (values as TensorData).byteLength;
}

/** The number of a tensor that is nobody else's: neither an input nor another output. */
function ownId(binding: CountedBinding, data: StockData, taken: ReadonlySet<number>): number {
  if (data.values !== null) return binding.createTensor(data.shape, data.dtype, data.values as TensorData);
  const isInput = data.refCount === Number.POSITIVE_INFINITY;
  if (!isInput && !taken.has(data.id)) return data.id;
  const type = { name: 'T', type: binding.TF_ATTR_TYPE, value: data.dtype };
  return binding.executeOp('Identity', [type], [data.id], 1)[0]!.id;
}
