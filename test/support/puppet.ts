/**
 * A wasm device that does at a chosen node what a test says. Nodes are known by the number at the end of their names.
 *
 * Shared words: the count of kernels that have run, then cells of four: the number of the node (-1: not armed), the
 * action, whether it was reached, and the gate that a pause waits for.
 */
import type { EngineOptions } from '../../runtime/options.js';
import { until } from './until.js';

const CELLS = 8;
const CELL_WORDS = 4;
const FIRST_CELL = 1;
/** Added to the number of a node: the action is performed where the node is prepared. */
const LOADING = 1 << 16;
const [EXECUTED, TARGET, ACTION, REACHED, GATE] = [0, 0, 1, 2, 3] as const;

/** In the order of the device's table. A node acts after its kernel has run and before it is over. */
const ACTIONS = ['pause', 'throw', 'exit', 'trap', 'uncaught', 'misshape'] as const;
export type PuppetAction = (typeof ACTIONS)[number];

/** One action armed at one node; the first stream that executes the node performs it, once. */
export interface ArmedAction {
  /** Resolves when a stream is at the node. */
  reached(): Promise<void>;
  /** Lets a pause go on. */
  release(): void;
}

export class Puppet {
  readonly #words = new Int32Array(new SharedArrayBuffer((FIRST_CELL + CELLS * CELL_WORDS) * 4));
  #nextCell = 0;

  constructor() {
    for (let cell = 0; cell < CELLS; cell++) this.#words[FIRST_CELL + cell * CELL_WORDS + TARGET] = -1;
  }

  /** The device, for `createEngine`. */
  get device(): EngineOptions['device'] {
    return {
      module: new URL('./devices/puppet.mjs', import.meta.url),
      options: { strings: this.#words.buffer },
    };
  }

  /** Lets everything that pauses go on. */
  releaseAll(): void {
    for (let cell = 0; cell < CELLS; cell++) this.#open(FIRST_CELL + cell * CELL_WORDS);
  }

  #open(cell: number): void {
    Atomics.store(this.#words, cell + GATE, 1);
    Atomics.notify(this.#words, cell + GATE);
  }

  /** Kernels that have run so far, on all streams. */
  get executed(): number {
    return Atomics.load(this.#words, EXECUTED);
  }

  /** Tells the next thread that prepares the node what to do: `'pause'`, `'throw'`, `'exit'` or `'trap'`. */
  armLoad(node: number, action: Exclude<PuppetAction, 'misshape'>): ArmedAction {
    return this.arm(node + LOADING, action);
  }

  /** Tells the next kernel with this number what to do. Up to eight actions can be armed at a time. */
  arm(node: number, action: PuppetAction): ArmedAction {
    const words = this.#words;
    const cell = FIRST_CELL + (this.#nextCell++ % CELLS) * CELL_WORDS;
    Atomics.store(words, cell + ACTION, ACTIONS.indexOf(action));
    Atomics.store(words, cell + REACHED, 0);
    Atomics.store(words, cell + GATE, 0);
    Atomics.store(words, cell + TARGET, node);
    return {
      reached: () => until(() => Atomics.load(words, cell + REACHED) === 1, `node ${node} is reached`),
      release: () => this.#open(cell),
    };
  }
}
