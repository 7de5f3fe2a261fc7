/** Names given to nodes that have none. */

/** The names used so far, and fresh ones: `Add`, `Add_1`, `Add_2`, … */
export class UniqueNames {
  readonly #used = new Set<string>();
  /** How many names have been made from each stem. */
  readonly #given = new Map<string, number>();

  has(name: string): boolean {
    return this.#used.has(name);
  }

  /** Marks a name as used. */
  add(name: string): void {
    this.#used.add(name);
  }

  /** A name that is neither used nor given before. It is not marked as used. */
  fresh(stem: string): string {
    for (;;) {
      const count = this.#given.get(stem) ?? 0;
      this.#given.set(stem, count + 1);
      const name = count === 0 ? stem : `${stem}_${count}`;
      if (!this.#used.has(name)) return name;
    }
  }
}
