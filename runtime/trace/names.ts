/** Names for recorded nodes: stable, unique, and telling where a variable's name says which layer it belongs to. */
import type { DataId, TensorInfo } from '@tensorflow/tfjs-core';
import { MAX_NAME_LENGTH } from '../../scheduler/limits.js';
import { UniqueNames } from '../unique-names.js';
import type { Engine } from './engine.js';

/** Keras names a layer's weights `layer/kernel`; what else uses them bears the layer's name too. */
export class NodeNames {
  readonly #names = new UniqueNames();
  readonly #variables = new Map<DataId, string>();

  constructor(variables: Engine['registeredVariables']) {
    for (const { name, dataId } of Object.values(variables)) {
      if (isTelling(name)) this.#variables.set(dataId, name);
    }
  }

  /** Keeps a name from being given out. */
  reserve(name: string): void {
    this.#names.add(name);
  }

  /** `Conv2D`, `Conv2D_1`, …; `layer/Conv2D` when an input is a weight of that layer. */
  ofKernel(op: string, inputs: Iterable<TensorInfo>): string {
    for (const { dataId } of inputs) {
      const variable = this.#variables.get(dataId);
      const end = variable?.lastIndexOf('/') ?? -1;
      if (end > 0) return this.#take(`${variable!.slice(0, end)}/${op}`);
    }
    return this.#take(op);
  }

  /** The variable's name, or `Constant`, `Constant_1`, … */
  ofConstant(dataId: DataId): string {
    return this.#take(this.#variables.get(dataId) ?? 'Constant');
  }

  #take(stem: string): string {
    const name = this.#names.fresh(stem);
    this.#names.add(name);
    return name;
  }
}

/** Variables without a name of their own are numbered by TensorFlow.js; some names do not suit a node. */
function isTelling(name: string): boolean {
  return /^[A-Za-z]/.test(name) && !/:\d+$/.test(name) && name.length < MAX_NAME_LENGTH / 2;
}
