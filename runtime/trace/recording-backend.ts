/** The TensorFlow.js backend that is active while a function is traced. */
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type {
  backend_util,
  DataId,
  DataType,
  KernelBackend,
  Rank,
  TensorBuffer,
  TensorInfo,
} from '@tensorflow/tfjs-core';
import { quote } from '../../scheduler/errors.js';
import type { ValueReference } from '../../scheduler/graph.js';
import { allocateData, elementCount, type TensorData, type TensorSpec } from '../../scheduler/tensor.js';
import type { Engine } from './engine.js';
import { invalidTrace, unsupportedConstant, type Violations } from './violations.js';

/** What is known of a value that depends on an input. */
export interface AbstractValue {
  /** Where the graph has it. */
  readonly reference: ValueReference;
  readonly spec: TensorSpec;
  /** How messages name the node it comes from. */
  readonly origin: string;
}

/**
 * Holds the tensors of a trace. Constants have data, as on the cpu backend, so that its kernels compute on them;
 * values that depend on an input have none. Tensors of the caller's backends stay there and are borrowed: references
 * to them are counted by their owner, or disposing an alias would free the caller's memory.
 */
export class RecordingBackend extends MathBackendCPU {
  readonly #engine: Engine;
  readonly #violations: Violations;
  readonly #abstract = new WeakMap<DataId, AbstractValue>();

  constructor(engine: Engine, violations: Violations) {
    super();
    this.#engine = engine;
    this.#violations = violations;
    // Set while a greeting on the console is due.
    Object.assign(this, { firstUse: false });
  }

  /** A tensor without data. */
  makeAbstract(value: AbstractValue): TensorInfo {
    const { dtype, shape } = value.spec;
    const dataId: DataId = {};
    this.data.set(dataId, { dtype, refCount: 1 });
    this.#abstract.set(dataId, value);
    return { dataId, dtype, shape: [...shape] };
  }

  /** What is known of a tensor that depends on an input; `undefined` for constants. */
  abstractValue(dataId: DataId): AbstractValue | undefined {
    return this.#abstract.get(dataId);
  }

  /** The backend that holds a tensor's data. */
  owner(dataId: DataId): KernelBackend {
    return this.#engine.state.tensorInfo.get(dataId)?.backend ?? this;
  }

  /** The data of a constant, wherever it is. May be the owner's own memory. */
  readConstant(dataId: DataId): backend_util.BackendValues {
    return this.owner(dataId).readSync(dataId);
  }

  /** A copy of a constant. Converts on the way: cpu kernels may give a tensor another dtype without touching its data. */
  copyConstant(dataId: DataId, { dtype, shape }: TensorSpec): TensorData {
    const data = allocateData(dtype, elementCount(shape));
    data.set(this.readConstant(dataId) as ArrayLike<number>);
    return data;
  }

  /** Lets cpu kernels read a constant of the caller's backend. Without this they would move it away from there. */
  borrow(dataId: DataId): void {
    if (this.data.has(dataId)) return;
    const { dtype } = this.#engine.state.tensorInfo.get(dataId)!;
    if (dtype === 'complex64') throw unsupportedConstant(dtype);
    const read = () => this.readConstant(dataId);
    let values: backend_util.BackendValues | undefined;
    this.data.set(dataId, {
      dtype,
      refCount: 1,
      // Most ops on weights, such as Reshape, make another view and never look.
      get values() {
        values ??= read();
        return values;
      },
    });
  }

  override readSync(dataId: DataId): backend_util.BackendValues {
    const abstract = this.#abstract.get(dataId);
    if (abstract !== undefined) throw this.#violations.note(readViolation(abstract));
    return super.readSync(dataId);
  }

  override read(dataId: DataId): Promise<backend_util.BackendValues> {
    const abstract = this.#abstract.get(dataId);
    if (abstract === undefined) return super.read(dataId);
    this.#violations.note(readViolation(abstract));
    // Rejecting would crash the process: a traced function cannot wait, so nobody handles this promise.
    return new Promise(() => {});
  }

  /** A copy, as `TensorScatterUpdate` writes into the buffer of its input. */
  override bufferSync<R extends Rank, D extends DataType>(info: TensorInfo): TensorBuffer<R, D> {
    const buffer = super.bufferSync<R, D>(info);
    buffer.values = buffer.values.slice() as typeof buffer.values;
    return buffer;
  }

  override incRef(dataId: DataId): void {
    const owner = this.owner(dataId);
    if (owner === this) super.incRef(dataId);
    else owner.incRef(dataId);
  }

  override disposeData(dataId: DataId, force?: boolean): boolean {
    const owner = this.owner(dataId);
    return owner === this ? super.disposeData(dataId, force) : owner.disposeData(dataId, force);
  }

  /** TensorFlow.js's test mode takes constants that a graph holds for leaks of a kernel. */
  override numDataIds(): number {
    return 0;
  }
}

function readViolation({ origin, spec }: AbstractValue): Error {
  return invalidTrace(
    `trace(): expected no value to be read that depends on an input, received a read of ${origin}, which has no value while ` +
      'tracing; return the tensor and decide outside the graph, or read it in a host node (GraphBuilder.host)',
    { expected: 'no read', received: `${spec.dtype}${quote(spec.shape)}` },
  );
}
