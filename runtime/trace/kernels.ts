/** What each TensorFlow.js kernel does while a function is traced: record, compute, or pass on. */
import * as tf from '@tensorflow/tfjs-core';
import { DATA_DEPENDENT_OPS, UNREPRESENTABLE_OPS } from '../../kernels/ops/excluded.js';
import { findOp, opNames } from '../../kernels/ops/index.js';
import { curfewError, quote } from '../../scheduler/errors.js';
import { allocateData, elementCount, sameShape, type TensorSpec } from '../../scheduler/tensor.js';
import { BACKEND_NAME, type Engine } from './engine.js';
import { foldAsNode } from './fold.js';
import type { Recorder } from './recorder.js';
import type { AbstractValue, RecordingBackend } from './recording-backend.js';

/** Ops whose result the input's spec tells: constants, even of a value that depends on an input. */
const SPEC_ONLY_OPS: ReadonlySet<string> = new Set([tf.ZerosLike, tf.OnesLike]);

/** Ops whose kernels return an array even of one output. */
const LIST_OPS: ReadonlySet<string> = new Set([tf.SplitV, tf.Unpack]);

type Outputs = tf.TensorInfo | tf.TensorInfo[];
type Inputs = Parameters<tf.KernelFunc>[0]['inputs'];
type Given = ReadonlyMap<string, tf.TensorInfo>;

/** Registers a kernel for every op known to the table or to a backend. Returns how to unregister them. */
export function registerKernels(engine: Engine, backend: RecordingBackend, recorder: Recorder): () => void {
  const names = new Set(opNames());
  for (const backendName of engine.backendNames()) {
    for (const { kernelName } of tf.getKernelsForBackend(backendName)) names.add(kernelName);
  }
  const kernels = new Kernels(backend, recorder);
  for (const kernelName of names) {
    const kernelFunc: tf.KernelFunc = ({ inputs, attrs }) => kernels.call(kernelName, inputs, attrs ?? {});
    tf.registerKernel({ kernelName, backendName: BACKEND_NAME, kernelFunc });
  }
  return () => {
    for (const name of names) tf.unregisterKernel(name, BACKEND_NAME);
  };
}

class Kernels {
  readonly #backend: RecordingBackend;
  readonly #recorder: Recorder;

  constructor(backend: RecordingBackend, recorder: Recorder) {
    this.#backend = backend;
    this.#recorder = recorder;
  }

  call(op: string, inputs: Inputs, attrs: tf.NamedAttrMap): Outputs {
    const given = givenInputs(inputs);
    const isConstant = [...given.values()].every(({ dataId }) => !this.#isAbstract(dataId));
    if (isConstant || SPEC_ONLY_OPS.has(op)) return this.#compute(op, inputs, given, attrs);
    return this.#passOn(op, given, attrs) ?? this.#record(op, inputs, given, attrs);
  }

  #isAbstract(dataId: tf.DataId): boolean {
    return this.#backend.abstractValue(dataId) !== undefined;
  }

  #compute(op: string, inputs: Inputs, given: Given, attrs: tf.NamedAttrMap): Outputs {
    const folded = foldAsNode(this.#backend, op, given, attrs);
    if (folded !== undefined) return asKernelResult(op, folded);
    const kernelFunc = tf.getKernel(op, 'cpu')?.kernelFunc;
    if (kernelFunc === undefined) {
      throw curfewError(
        'UNSUPPORTED_OP',
        `trace(): expected an op with a cpu kernel to compute on constants, received ${quote(op)}`,
        { expected: 'op with a cpu kernel', received: op },
      );
    }
    for (const { dataId } of given.values()) this.#backend.borrow(dataId);
    return kernelFunc({ inputs, attrs, backend: this.#backend });
  }

  /** What leaves its input as it is needs no node: a gradient saves every value by way of `Identity`. */
  #passOn(op: string, given: Given, attrs: tf.NamedAttrMap): tf.TensorInfo | undefined {
    const x = given.get('x');
    if (x === undefined || !leavesAsIs(op, x, attrs)) return undefined;
    this.#backend.incRef(x.dataId);
    return { dataId: x.dataId, dtype: x.dtype, shape: x.shape };
  }

  #record(op: string, inputs: Inputs, given: Given, attrs: tf.NamedAttrMap): Outputs {
    const values = this.#recorder.kernel(op, given, attrs, () => this.#tryOnZeros(op, inputs, given, attrs));
    return asKernelResult(
      op,
      values.map((value: AbstractValue) => this.#backend.makeAbstract(value)),
    );
  }

  /** The output specs of an op that is not in the op table, if their shapes cannot depend on values. */
  #tryOnZeros(
    op: string,
    inputs: Inputs,
    given: Given,
    attrs: tf.NamedAttrMap,
  ): readonly TensorSpec[] | undefined {
    if (findOp(op) !== undefined || DATA_DEPENDENT_OPS.has(op) || UNREPRESENTABLE_OPS.has(op))
      return undefined;
    const kernelFunc = tf.getKernel(op, 'cpu')?.kernelFunc;
    if (kernelFunc === undefined) return undefined;
    const standIns = [...given].map(([name, info]) => [name, this.#standIn(info)] as const);
    const named: unknown = Array.isArray(inputs)
      ? standIns.map(([, info]) => info)
      : Object.fromEntries(standIns);
    const result = kernelFunc({ inputs: named as Inputs, attrs, backend: this.#backend });
    const outputs = Array.isArray(result) ? result : [result];
    for (const { dataId } of outputs) this.#backend.disposeData(dataId);
    return outputs.map(({ dtype, shape }) => ({ dtype: dtype as TensorSpec['dtype'], shape }));
  }

  #standIn(info: tf.TensorInfo): tf.TensorInfo {
    const value = this.#backend.abstractValue(info.dataId);
    if (value === undefined) {
      this.#backend.borrow(info.dataId);
      return info;
    }
    const { dtype, shape } = value.spec;
    const zeros = allocateData(dtype, elementCount(shape));
    // Some kernels take what they get for a whole tensor and ask for its rank.
    return Object.assign(this.#backend.makeTensorInfo([...shape], dtype, zeros), { rank: shape.length });
  }
}

function asKernelResult(op: string, outputs: tf.TensorInfo[]): Outputs {
  return outputs.length === 1 && !LIST_OPS.has(op) ? outputs[0]! : outputs;
}

/** Optional inputs that are left out are there as `undefined`; variadic ops bring arrays, whose keys are '0', '1', … */
function givenInputs(inputs: Inputs): Given {
  const given = new Map<string, tf.TensorInfo>();
  for (const [name, info] of Object.entries(inputs ?? {})) if (info != null) given.set(name, info);
  return given;
}

function leavesAsIs(op: string, { dtype, shape }: tf.TensorInfo, attrs: tf.NamedAttrMap): boolean {
  if (op === tf.Identity) return true;
  if (op === tf.Cast) return attrs['dtype'] === dtype;
  if (op === tf.Reshape) return sameShape(attrs['shape'] as number[], shape);
  // Keras cuts each batch out of the input, also when there is only one.
  return op === tf.Slice && sameShape(attrs['size'] as number[], shape);
}
