/** Chance from a seed, in the forms that scenarios need. */
import { createRandom, type Random } from '../../kernels/virtual/random.js';

export class Chance {
  /** A number in [0, 1). */
  readonly next: Random;

  constructor(seed: number) {
    this.next = createRandom(seed);
  }

  /** An integer from `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** A number from `least` to below `most`. */
  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  /** One of the items. */
  pick<const Item>(items: readonly Item[]): Item {
    return items[this.integer(0, items.length - 1)]!;
  }
}
