/** A list by priority from which items near the front are taken cheaply, however many are behind them. */

/** Places left empty at the front until they are given up: moving the rest is paid for by as many items taken. */
const LEAST_EMPTY = 1024;

/** Items by priority, the highest first; equals in the order in which they came. */
export class PriorityList<Item extends { readonly priority: number }> implements Iterable<Item> {
  /** Empty before `#first`. */
  readonly #items: (Item | undefined)[] = [];
  #first = 0;

  get length(): number {
    return this.#items.length - this.#first;
  }

  insert(item: Item): void {
    const index = this.#first + this.placeOf(item.priority);
    if (index === this.#items.length) this.#items.push(item);
    else this.#items.splice(index, 0, item);
  }

  /** Where an item of this priority would go: behind its equals. By bisection. */
  placeOf(priority: number): number {
    let from = this.#first;
    let to = this.#items.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#items[middle]!.priority >= priority) from = middle + 1;
      else to = middle;
    }
    return from - this.#first;
  }

  /** Index of the first item for which the condition holds, or −1. */
  findIndex(condition: (item: Item) => boolean): number {
    for (let index = this.#first; index < this.#items.length; index++)
      if (condition(this.#items[index]!)) return index - this.#first;
    return -1;
  }

  at(index: number): Item {
    return this.#items[this.#first + index]!;
  }

  /** Takes an item out; those in front of it move up to its place. */
  take(index: number): Item {
    const item = this.at(index);
    const first = this.#first++;
    for (let place = first + index; place > first; place--) this.#items[place] = this.#items[place - 1];
    this.#items[first] = undefined;
    if (this.#first >= LEAST_EMPTY && this.#first > this.length) {
      this.#items.splice(0, this.#first);
      this.#first = 0;
    }
    return item;
  }

  *[Symbol.iterator](): Iterator<Item> {
    for (let index = 0; index < this.length; index++) yield this.at(index);
  }
}
