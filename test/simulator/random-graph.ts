/** Graphs by chance: kernel and host nodes, fan-out and fan-in, nodes of several outputs, values nobody uses. */
import type { ValueReference } from '../../scheduler/graph.js';
import type { Chance } from './chance.js';
import type { GraphSpec, HostSpec, KernelSpec, NodeSpec, SimulatedOp } from './scenario.js';

/** A value that nodes may take, with its number of elements. */
interface Item {
  readonly reference: ValueReference;
  readonly elements: 1 | 2;
}

const SOURCES: readonly Item[] = [
  { reference: 'x', elements: 2 },
  { reference: 'y', elements: 2 },
  { reference: 'c', elements: 2 },
];

const OPS: readonly SimulatedOp[] = ['Neg', 'Add', 'Add', 'Multiply', 'SplitV'];
const MAX_NODES = 12;

/** How long nodes take. Small and large ones are equally often. */
export interface Durations {
  readonly leastMs: number;
  readonly mostMs: number;
}

function randomDurationMs(chance: Chance, { leastMs, mostMs }: Durations): number {
  return leastMs * (mostMs / leastMs) ** chance.next();
}

/** Recent values more often, for depth. */
function pickItem(chance: Chance, items: readonly Item[]): Item {
  return chance.next() < 0.6 ? chance.pick(items.slice(-3)) : chance.pick(items);
}

function randomKernel(
  chance: Chance,
  name: string,
  lanes: number,
  durations: Durations,
  items: Item[],
): KernelSpec {
  const first = pickItem(chance, items);
  const second = pickItem(chance, items);
  const wanted = chance.pick(OPS);
  const op = wanted === 'SplitV' && first.elements === 1 ? 'Neg' : wanted;
  const inputs = op === 'Add' || op === 'Multiply' ? [first, second] : [first];
  const elements = op === 'SplitV' || inputs.every((item) => item.elements === 1) ? 1 : 2;
  items.push({ reference: name, elements });
  if (op === 'SplitV') items.push({ reference: `${name}:1`, elements });
  const lane = chance.integer(0, lanes - 1);
  const references = inputs.map(({ reference }) => reference);
  return {
    kind: 'kernel',
    name,
    op,
    inputs: references,
    lane,
    durationMs: randomDurationMs(chance, durations),
  };
}

function randomHost(chance: Chance, name: string, durations: Durations, items: Item[]): HostSpec {
  const count = chance.integer(0, 2);
  const inputs = Array.from({ length: count + 1 }, () => pickItem(chance, items).reference);
  items.push({ reference: name, elements: 2 }, { reference: `${name}:1`, elements: 2 });
  return {
    kind: 'host',
    name,
    inputs,
    durationMs: randomDurationMs(chance, durations),
    stops: chance.next() < 0.6,
    failures: chance.next() < 0.05 ? 1 : 0,
  };
}

/** Values that nobody takes, and some that somebody does. */
function chooseOutputs(chance: Chance, nodes: readonly NodeSpec[], items: readonly Item[]): ValueReference[] {
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  const made = items.slice(SOURCES.length).map(({ reference }) => reference);
  const chosen = made.filter((reference) => chance.next() < (used.has(reference) ? 0.2 : 0.9));
  return chosen.length > 0 ? chosen : [made.at(-1)!];
}

/** A graph of 1 to 12 nodes over `lanes` streams, at least one of them a kernel node. */
export function randomGraph(chance: Chance, lanes: number, durations: Durations): GraphSpec {
  const items = [...SOURCES];
  const hostShare = chance.pick([0, 0.1, 0.3]);
  const nodes: NodeSpec[] = [randomKernel(chance, 'n0', lanes, durations, items)];
  const count = chance.integer(1, MAX_NODES);
  for (let index = 1; index < count; index++) {
    const name = `n${index}`;
    nodes.push(
      chance.next() < hostShare
        ? randomHost(chance, name, durations, items)
        : randomKernel(chance, name, lanes, durations, items),
    );
  }
  return { nodes, outputs: chooseOutputs(chance, nodes, items) };
}
