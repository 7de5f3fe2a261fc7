/** Names for recorded nodes: stable, unique, and telling where a variable's name says which layer it belongs to. */
import type { DataId, TensorInfo } from '@tensorflow/tfjs-core';
import { MAX_NAME_LENGTH } from '../../scheduler/limits.js';
import type { Engine } from './engine.js';

/** Keras names a layer's weights `layer/kernel`; what else uses them bears the layer's name too. */
export class NodeNames {
  readonly #used = new Set<string>();
  /** How many names have been made from each stem. */
  readonly #given = new Map<string, number>();
  readonly #variables = new Map<DataId, string>();

  constructor(variables: Engine['registeredVariables']) {
    for (const { name, dataId } of Object.values(variables)) {
      if (isTelling(name)) this.#variables.set(dataId, name);
    }
  }

  /** Keeps a name from being given out. */
  reserve(name: string): void {
    this.#used.add(name);
  }

  /** `Conv2D`, `Conv2D_1`, …; `layer/Conv2D` when an input is a weight of that layer. */
  ofKernel(op: string, inputs: Iterable<TensorInfo>): string {
    for (const { dataId } of inputs) {
      const variable = this.#variables.get(dataId);
      const end = variable?.lastIndexOf('/') ?? -1;
      if (end > 0) return this.#free(`${variable!.slice(0, end)}/${op}`);
    }
    return this.#free(op);
  }

  /** The variable's name, or `Constant`, `Constant_1`, … */
  ofConstant(dataId: DataId): string {
    return this.#free(this.#variables.get(dataId) ?? 'Constant');
  }

  #free(stem: string): string {
    for (;;) {
      const count = this.#given.get(stem) ?? 0;
      this.#given.set(stem, count + 1);
      const name = count === 0 ? stem : `${stem}_${count}`;
      if (this.#used.has(name)) continue;
      this.#used.add(name);
      return name;
    }
  }
}

/** Variables without a name of their own are numbered by TensorFlow.js; some names do not suit a node. */
function isTelling(name: string): boolean {
  return /^[A-Za-z]/.test(name) && !/:\d+$/.test(name) && name.length < MAX_NAME_LENGTH / 2;
}
