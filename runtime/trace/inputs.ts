/** What a traced function is called with: its inputs by name, in one record that notices when it is taken for a tensor. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { quote } from '../../scheduler/errors.js';
import { messageOf } from '../../scheduler/quote.js';
import { invalidTrace } from './violations.js';

/** Inputs that the example in a message names at most. */
const MAX_NAMES = 3;

/** The inputs of one call. */
export class TracedInputs {
  /** The tensors by name. Has no prototype, so that `constructor` is an input only if it was declared. */
  readonly record: Readonly<Record<string, Tensor>>;
  readonly #names: readonly string[];
  #read = false;
  #missed = false;

  constructor(tensors: Readonly<Record<string, Tensor>>) {
    this.#names = Object.keys(tensors);
    this.record = new Proxy(tensors, {
      get: (record, name, receiver) => {
        if (Object.hasOwn(record, name)) this.#read = true;
        else this.#missed = true;
        return Reflect.get(record, name, receiver);
      },
      ownKeys: (record) => {
        this.#read = true;
        return Reflect.ownKeys(record);
      },
    });
  }

  /**
   * What to throw when the function threw: the error itself, unless the function looked for something in the record and
   * never for an input. `(x) => x.add(1)` does, and so does TensorFlow.js when it is handed the record for a tensor.
   */
  explain(thrown: unknown): unknown {
    if (this.#read || !this.#missed || this.#names.length === 0) return thrown;
    const shown = this.#names.slice(0, MAX_NAMES).join(', ');
    const more = this.#names.length > MAX_NAMES ? ', …' : '';
    const expected = `a function of one object with all inputs, such as ({ ${shown}${more} }) => …`;
    const received = `one that failed before it read any of ${this.#names.map(quote).join(', ')}`;
    return invalidTrace(`trace(): expected ${expected}, received ${received}: ${messageOf(thrown)}`, {
      expected,
      received,
      cause: thrown,
    });
  }
}
