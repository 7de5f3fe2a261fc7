import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { PriorityList } from '../runtime/priority-list.js';
import { createRandom, type Random } from './support/random.js';
import { seeds, withSeed } from './support/seed.js';
import { nextTurn } from './support/until.js';

interface Item {
  readonly priority: number;
  readonly name: number;
}

/** The same operations on the list and on a sorted array; takes from the front mostly, so that empty places pile up. */
function compare(random: Random): void {
  const list = new PriorityList<Item>();
  const array: Item[] = [];
  const priorities = random.pick([1, 3]);
  for (let name = 0; name < 3000; name++) {
    const item = { priority: random.integer(1, priorities), name };
    const behind = array.findIndex(({ priority }) => priority < item.priority);
    array.splice(behind < 0 ? array.length : behind, 0, item);
    list.insert(item);
    if (random.next() < 0.7 + name / 10_000) {
      const index = random.next() < 0.9 ? 0 : random.integer(0, array.length - 1);
      if (list.take(index) !== array.splice(index, 1)[0]) throw new Error(`item ${index} is another`);
    }
    if (list.length !== array.length) throw new Error('the lengths differ');
  }
  expect([...list]).toEqual(array);
  while (array.length > 0) expect(list.take(0)).toBe(array.shift());
  expect([list.length, list.findIndex(() => true)]).toEqual([0, -1]);
}

describe('a list by priority', () => {
  it('does what a sorted array does', async () => {
    for (const seed of seeds(50)) await withSeed(seed, () => compare(createRandom(seed)));
  });

  it('finds items, and places behind their equals', () => {
    const list = new PriorityList<Item>();
    for (const [name, priority] of [0, 2, 2, 1].entries()) list.insert({ name, priority });
    expect([...list].map(({ name }) => name)).toEqual([1, 2, 3, 0]);
    expect([3, 2, 1.5, 1, 0, -1].map((priority) => list.placeOf(priority))).toEqual([0, 2, 2, 3, 4, 4]);
    list.take(1);
    expect(list.findIndex(({ priority }) => priority < 2)).toBe(1);
    expect(list.at(1).name).toBe(3);
  });

  it('holds nothing of what was taken, neither items nor places', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const list = new PriorityList<Item>();
    const insert = (name: number) => {
      const item = { priority: 0, name };
      list.insert(item);
      return new WeakRef(item);
    };
    const taken = insert(0);
    insert(1);
    list.take(0);
    await nextTurn();
    collect();
    expect(taken.deref()).toBeUndefined();
    const before = process.memoryUsage().heapUsed;
    for (let name = 0; name < 2_000_000; name++) {
      list.insert({ priority: 0, name });
      list.take(0);
    }
    await nextTurn();
    collect();
    // Two million places would be 16 MB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4 * 2 ** 20);
  });
});
