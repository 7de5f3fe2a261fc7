/** Which tensors and variables outlive a trace, and the caller's own brought back to what they were. */
import type { DataId, KernelBackend, Tensor, Variable } from '@tensorflow/tfjs-core';
import type { Engine } from './engine.js';
import type { RecordingBackend } from './recording-backend.js';

/** A variable and the value it is to have after the trace. */
interface KeptVariable {
  readonly variable: Variable;
  readonly dataId: DataId;
}

/**
 * Keeps account of everything a traced function makes, assigns and disposes. All its work is done through the engine, so
 * that `tf.memory()` counts what is there. To be used while the recording backend is active.
 */
export class Lifetime {
  readonly #engine: Engine;
  readonly #backend: RecordingBackend;
  readonly #tensors = new Set<Tensor>();
  readonly #before: KeptVariable[] = [];
  readonly #made: KeptVariable[] = [];
  /** Data that must not be freed before the trace is over, with the backend that counts the reference. */
  readonly #retained = new Map<DataId, KernelBackend>();

  constructor(engine: Engine, backend: RecordingBackend) {
    this.#engine = engine;
    this.#backend = backend;
    for (const variable of Object.values(engine.registeredVariables)) {
      this.#before.push({ variable, dataId: variable.dataId });
      this.retain(variable.dataId);
    }
  }

  /** Keeps data until `end`, whatever the traced function disposes. */
  readonly retain = (dataId: DataId): void => {
    if (this.#retained.has(dataId)) return;
    const owner = this.#backend.owner(dataId);
    owner.incRef(dataId);
    this.#retained.set(dataId, owner);
  };

  /** Notes every tensor and variable made from now on. Returns how to stop. */
  watch(): () => void {
    const engine = this.#engine;
    const { trackTensor, makeVariable } = engine;
    engine.trackTensor = (tensor, backend) => {
      if (!isVariable(tensor)) this.#tensors.add(tensor);
      trackTensor.call(engine, tensor, backend);
    };
    engine.makeVariable = (...args) => {
      const variable = makeVariable.apply(engine, args);
      this.#made.push({ variable, dataId: variable.dataId });
      this.retain(variable.dataId);
      return variable;
    };
    return () => {
      // They shadow the class's methods.
      Reflect.deleteProperty(engine, 'trackTensor');
      Reflect.deleteProperty(engine, 'makeVariable');
    };
  }

  /**
   * Restores variables, disposes tensors, and moves what outlives the trace to `target`.
   *
   * @param keep whether tensors the function asked to keep outlive it
   */
  end(target: () => KernelBackend, keep: boolean): void {
    for (const { variable, dataId } of this.#before) this.#restore(variable, dataId);
    for (const { variable, dataId } of this.#made) {
      if (!this.#isAbstract(dataId)) this.#restore(variable, dataId);
      else if (this.#isRegistered(variable)) variable.dispose();
    }
    const kept = [...this.#tensors].filter(
      (tensor) => keep && tensor.kept && !this.#isAbstract(tensor.dataId),
    );
    for (const tensor of kept) this.#tensors.delete(tensor);
    for (const tensor of this.#tensors) tensor.dispose();
    this.#release();
    for (const { dataId } of [...this.#made, ...kept]) this.#move(dataId, target);
  }

  #isAbstract(dataId: DataId): boolean {
    return this.#backend.abstractValue(dataId) !== undefined;
  }

  #isRegistered(variable: Variable): boolean {
    return this.#engine.registeredVariables[variable.name] === variable;
  }

  /** Does what `variable.assign` does, with data that no tensor may hold any more. */
  #restore(variable: Variable, dataId: DataId): void {
    if (variable.dataId === dataId || !this.#isRegistered(variable)) return;
    this.#engine.disposeTensor(variable);
    variable.dataId = dataId;
    this.#engine.incRef(variable, this.#backend.owner(dataId));
  }

  #release(): void {
    for (const [dataId, owner] of this.#retained) {
      if (owner.disposeData(dataId)) this.#engine.removeDataId(dataId, owner);
    }
    this.#retained.clear();
  }

  #move(dataId: DataId, target: () => KernelBackend): void {
    if (this.#engine.state.tensorInfo.get(dataId)?.backend === this.#backend) {
      this.#engine.moveData(target(), dataId);
    }
  }
}

function isVariable(tensor: Tensor): boolean {
  return 'assign' in tensor;
}
