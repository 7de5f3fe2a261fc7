/** How a graph shows itself on the console: what it takes, what it returns, and how many nodes it has, not all of them. */
import type { Graph, Node } from './graph.js';
import { formatSpec, type TensorSpecs } from './tensor.js';

/** Inputs, and outputs, that are shown with their specs. */
const MAX_SHOWN = 8;

/** The key under which `console.log` and `util.inspect` look for a function that describes an object. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** Gives the graph its description. Not enumerable: a copy of a graph is none. */
export function describeOnConsole(graph: Graph): void {
  Object.defineProperty(graph, INSPECT, { value: () => describe(graph) });
}

function describe({ nodes, inputs, outputs }: Graph): string {
  const count = (kind: Node['kind']) => nodes.filter((node) => node.kind === kind).length;
  const kinds = `${count('kernel')} kernel, ${count('host')} host, ${count('constant')} constant`;
  return `Graph { inputs: ${listSpecs(inputs)}, outputs: ${listSpecs(outputs)}, nodes: ${kinds} }`;
}

function listSpecs(specs: TensorSpecs): string {
  const entries = Object.entries(specs);
  const shown = entries.slice(0, MAX_SHOWN).map(([name, spec]) => `${name}: ${formatSpec(spec)}`);
  if (entries.length > MAX_SHOWN) shown.push(`… ${entries.length - MAX_SHOWN} more`);
  return shown.length === 0 ? '{}' : `{ ${shown.join(', ')} }`;
}
