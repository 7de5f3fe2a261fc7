/** Runs single nodes on a backend, as a stream's worker would. */
import type { Attributes, NodeId, ValueId } from '../../scheduler/graph.js';
import type {
  BackendOptions,
  DeviceTensor,
  ImmediateBackend,
  Preparation,
  ProgramNode,
} from '../../scheduler/kernel.js';
import { bytesOf, formatSpec, type Tensor, type TensorSpec, viewData } from '../../scheduler/tensor.js';

/** Options of a backend as tests want them. */
export function backendOptions(overrides: Partial<BackendOptions> = {}): BackendOptions {
  return { stream: 0, threads: 1, memoryLimitBytes: undefined, device: undefined, ...overrides };
}

/** A node to run by itself. */
export interface SingleNode {
  readonly op: string;
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  readonly attributes?: Attributes | undefined;
  readonly outputs: readonly TensorSpec[];
}

/** A program of one node: its inputs are values 0, 1, …, its outputs follow. */
export function programNode({ op, inputs, attributes = {}, outputs }: SingleNode): ProgramNode {
  const names = Object.keys(inputs);
  return {
    id: 0 as NodeId,
    name: `the ${op}`,
    op,
    attributes,
    inputNames: names,
    inputs: names.map((_, index) => index as ValueId),
    inputSpecs: Object.values(inputs).map(({ dtype, shape }) => ({ dtype, shape })),
    outputs: outputs.map((_, index) => (names.length + index) as ValueId),
    outputSpecs: outputs,
    cost: { operations: 0, bytes: 0 },
  };
}

export function uploadTo(backend: ImmediateBackend, tensor: Tensor): DeviceTensor {
  return backend.upload({ dtype: tensor.dtype, shape: tensor.shape }, bytesOf(tensor.data));
}

/** The tensor with a copy of its data. */
export function readFrom(backend: ImmediateBackend, tensor: DeviceTensor): Tensor {
  const { dtype, shape } = tensor;
  return { dtype, shape, data: viewData({ dtype, shape }, backend.read(tensor).slice().buffer) };
}

/** Runs a prepared node on tensors that are on the device, leaves those there and returns the outputs. */
export function runPrepared(
  { run }: Preparation,
  inputs: readonly DeviceTensor[],
  outputCount = 1,
): DeviceTensor[] {
  const values: (DeviceTensor | undefined)[] = [...inputs];
  run(values);
  const outputs = values.slice(inputs.length);
  if (outputs.length !== outputCount || outputs.includes(undefined)) throw new Error('an output is missing');
  return outputs as DeviceTensor[];
}

/** Uploads, runs, reads and releases. */
export function runOn(
  backend: ImmediateBackend,
  op: string,
  inputs: Readonly<Record<string, Tensor>>,
  outputs: readonly TensorSpec[],
  attributes?: Attributes,
): Tensor[] {
  const prepared = backend.prepare(programNode({ op, inputs, attributes, outputs }));
  return runPreparedOn(backend, prepared, inputs, outputs.length);
}

/** The same with a prepared node. */
export function runPreparedOn(
  backend: ImmediateBackend,
  prepared: Preparation,
  inputs: Readonly<Record<string, Tensor>>,
  outputCount: number,
): Tensor[] {
  const uploaded = Object.values(inputs).map((tensor) => uploadTo(backend, tensor));
  try {
    const results = runPrepared(prepared, uploaded, outputCount);
    const read = results.map((result) => readFrom(backend, result));
    for (const result of results) backend.release(result);
    return read;
  } finally {
    for (const tensor of uploaded) backend.release(tensor);
  }
}

/** The first difference beyond a relative tolerance, in words; `undefined` where there is none. */
export function difference(actual: Tensor, expected: Tensor, tolerance: number): string | undefined {
  if (formatSpec(actual) !== formatSpec(expected)) return `${formatSpec(actual)} for ${formatSpec(expected)}`;
  for (const [index, wanted] of expected.data.entries()) {
    const got = actual.data[index]!;
    // Every number is within an infinite distance of infinity.
    const isClose =
      Number.isFinite(wanted) && Math.abs(got - wanted) <= tolerance * Math.max(1, Math.abs(wanted));
    if (!isClose && !Object.is(got, wanted) && got !== wanted) return `${got} for ${wanted} at ${index}`;
  }
  return undefined;
}
