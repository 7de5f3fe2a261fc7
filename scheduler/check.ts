/** From a definition (untrusted) to a graph: the only place that makes graphs, and the rules they keep. */
import { curfewError, quote } from './errors.js';
import type {
  Graph,
  GraphDefinition,
  Node,
  NodeDefinition,
  NodeId,
  Value,
  ValueId,
  ValueReference,
} from './graph.js';
import { MAX_NAME_LENGTH, MAX_NODES } from './limits.js';
import { checkData, checkSpec, type TensorSpec } from './tensor.js';

const graphs = new WeakSet<object>();

/** Whether `value` is a graph made by `createGraph`. */
export function isGraph(value: unknown): value is Graph {
  return typeof value === 'object' && value !== null && graphs.has(value);
}

function invalidGraph(message: string, expected: unknown, received: unknown, node?: string) {
  return curfewError('INVALID_GRAPH', message, { node, expected, received });
}

/** A name is a non-empty string without ':' (which separates a node from its output's index). */
export function checkName(name: unknown, what: string): string {
  if (typeof name !== 'string' || name.length === 0) {
    throw invalidGraph(
      `${what}: expected a non-empty name, received ${quote(name)}`,
      'non-empty string',
      name,
    );
  }
  if (name.length > MAX_NAME_LENGTH) {
    throw curfewError(
      'LIMIT_EXCEEDED',
      `${what}: expected a name of ${MAX_NAME_LENGTH} characters at most, received ${name.length}`,
      {
        expected: MAX_NAME_LENGTH,
        received: name.length,
      },
    );
  }
  if (name === '__proto__') {
    throw invalidGraph(
      `${what}: expected a name that is safe as a key, received "__proto__"`,
      'another name',
      name,
    );
  }
  if (/:\d+$/.test(name)) {
    throw invalidGraph(
      `${what}: expected a name that does not end in ":" and a number, received ${quote(name)}`,
      'name without ":number" at its end',
      name,
    );
  }
  return name;
}

/** The specs of a node's outputs, checked. */
function outputSpecs(definition: NodeDefinition): readonly TensorSpec[] {
  const what = `node ${quote(definition.name)}`;
  switch (definition.kind) {
    case 'input':
      return [checkSpec(definition.spec, what, 'INVALID_GRAPH')];
    case 'constant':
      return [checkSpec(definition.tensor, what, 'INVALID_GRAPH')];
    case 'kernel':
      return definition.outputs.map((spec, index) =>
        checkSpec(spec, `${what} output ${index}`, 'INVALID_GRAPH'),
      );
    case 'host':
      return Object.entries(definition.outputs).map(([name, spec]) =>
        checkSpec(spec, `${what} output ${quote(checkName(name, what))}`, 'INVALID_GRAPH'),
      );
    default:
      throw invalidGraph(
        `${what}: expected kind 'input', 'constant', 'kernel' or 'host', received ${quote((definition as { kind: unknown }).kind)}`,
        ['input', 'constant', 'kernel', 'host'],
        (definition as { kind: unknown }).kind,
      );
  }
}

function inputReferences(definition: NodeDefinition): [string, ValueReference][] {
  if (definition.kind === 'input' || definition.kind === 'constant') return [];
  for (const name of Object.keys(definition.inputs)) checkName(name, `node ${quote(definition.name)} input`);
  return Object.entries(definition.inputs);
}

/** Splits `'node:1'`; a name without an index means output 0. */
function splitReference(reference: unknown, what: string): { name: string; index: number } {
  if (typeof reference !== 'string') {
    throw invalidGraph(
      `${what}: expected a value reference (string), received ${quote(reference)}`,
      'string',
      reference,
    );
  }
  const match = /^(.*):(\d+)$/s.exec(reference);
  return match ? { name: match[1]!, index: Number(match[2]) } : { name: reference, index: 0 };
}

interface Entry {
  readonly definition: NodeDefinition;
  readonly specs: readonly TensorSpec[];
  readonly references: readonly { inputName: string; entry: number; index: number }[];
}

/** Finds the definition and output that a reference names. */
function resolve(
  byName: ReadonlyMap<string, number>,
  specs: readonly (readonly TensorSpec[])[],
  reference: unknown,
  what: string,
) {
  const { name, index } = splitReference(reference, what);
  const entry = byName.get(name);
  if (entry === undefined) {
    throw invalidGraph(
      `${what}: expected the name of a node of this graph, received ${quote(reference)}`,
      'existing node',
      reference,
    );
  }
  const outputs = specs[entry]!.length;
  if (index >= outputs) {
    throw invalidGraph(
      `${what}: expected an output of ${quote(name)} below ${outputs}, received ${quote(reference)}`,
      `index below ${outputs}`,
      reference,
    );
  }
  return { entry, index };
}

function indexNames(definitions: readonly NodeDefinition[]): Map<string, number> {
  const byName = new Map<string, number>();
  for (const [index, definition] of definitions.entries()) {
    if (typeof definition !== 'object' || definition === null) {
      throw invalidGraph(
        `node ${index}: expected a node definition, received ${quote(definition)}`,
        'object',
        definition,
      );
    }
    const name = checkName(definition.name, `node ${index}`);
    if (byName.has(name)) {
      throw invalidGraph(
        `node ${index}: expected a name not used before, received ${quote(name)} again`,
        'unique name',
        name,
        name,
      );
    }
    byName.set(name, index);
  }
  return byName;
}

/** Kahn's algorithm, first come first served, so that a definition already in order keeps it. */
function topologicalOrder(entries: readonly Entry[]): number[] {
  const pending = new Int32Array(entries.length);
  const consumers: number[][] = entries.map(() => []);
  for (const [index, { references }] of entries.entries()) {
    pending[index] = references.length;
    for (const reference of references) consumers[reference.entry]!.push(index);
  }
  const order: number[] = [];
  for (let index = 0; index < entries.length; index++) if (pending[index] === 0) order.push(index);
  for (let next = 0; next < order.length; next++) {
    for (const consumer of consumers[order[next]!]!) {
      pending[consumer]!--;
      if (pending[consumer] === 0) order.push(consumer);
    }
  }
  if (order.length < entries.length) {
    const stuck = entries.filter((_, index) => pending[index]! > 0).map(({ definition }) => definition.name);
    throw invalidGraph(
      `graph: expected no cycle, received one through or before ${stuck.slice(0, 5).map(quote).join(', ')}`,
      'acyclic graph',
      stuck,
      stuck[0],
    );
  }
  // Ascending original index among the ready keeps a definition that is already in order as it is.
  return isOrdered(entries) ? entries.map((_, index) => index) : order;
}

function isOrdered(entries: readonly Entry[]): boolean {
  return entries.every(({ references }, index) => references.every(({ entry }) => entry < index));
}

function buildNode(entry: Entry, id: NodeId, inputs: readonly ValueId[], outputs: readonly ValueId[]): Node {
  const { definition, specs } = entry;
  const base = {
    id,
    name: definition.name,
    inputs: Object.freeze(inputs),
    inputNames: Object.freeze(entry.references.map(({ inputName }) => inputName)),
    outputs: Object.freeze(outputs),
  };
  switch (definition.kind) {
    case 'input':
      return Object.freeze({ ...base, kind: 'input' });
    case 'constant': {
      const what = `node ${quote(definition.name)}`;
      const data = checkData(definition.tensor.data, specs[0]!, what, 'INVALID_GRAPH');
      return Object.freeze({ ...base, kind: 'constant', data });
    }
    case 'kernel':
      if (typeof definition.op !== 'string' || definition.op.length === 0) {
        throw invalidGraph(
          `node ${quote(definition.name)}: expected the name of an op, received ${quote(definition.op)}`,
          'op name',
          definition.op,
          definition.name,
        );
      }
      return Object.freeze({
        ...base,
        kind: 'kernel',
        op: definition.op,
        attributes: Object.freeze({ ...definition.attributes }),
        cost: Object.freeze({ ...definition.cost }),
      });
    case 'host':
      if (typeof definition.run !== 'function') {
        throw invalidGraph(
          `node ${quote(definition.name)}: expected a function, received ${quote(definition.run)}`,
          'function',
          definition.run,
          definition.name,
        );
      }
      return Object.freeze({
        ...base,
        kind: 'host',
        outputNames: Object.freeze(Object.keys(definition.outputs)),
        run: definition.run,
      });
  }
}

function specRecord(ids: ReadonlyMap<string, ValueId>, values: readonly Value[]): Record<string, TensorSpec> {
  const record: Record<string, TensorSpec> = Object.create(null);
  for (const [name, id] of ids) {
    const { dtype, shape } = values[id]!;
    record[name] = Object.freeze({ dtype, shape });
  }
  return Object.freeze(record);
}

/**
 * Checks a definition and makes it a graph. Nodes keep their order when it is topological already.
 *
 * @throws INVALID_GRAPH for a cycle, a dangling reference, a duplicate or unusable name, malformed specs or
 *   constants, or no outputs; LIMIT_EXCEEDED for too many nodes or too large tensors
 */
export function createGraph(definition: GraphDefinition): Graph {
  const definitions = definition.nodes;
  if (definitions.length > MAX_NODES) {
    throw curfewError(
      'LIMIT_EXCEEDED',
      `graph: expected ${MAX_NODES} nodes at most, received ${definitions.length}`,
      {
        expected: MAX_NODES,
        received: definitions.length,
      },
    );
  }
  const byName = indexNames(definitions);
  const specs = definitions.map(outputSpecs);
  const entries: Entry[] = definitions.map((node, index) => ({
    definition: node,
    specs: specs[index]!,
    references: inputReferences(node).map(([inputName, reference]) => ({
      inputName,
      ...resolve(byName, specs, reference, `node ${quote(node.name)} input ${quote(inputName)}`),
    })),
  }));

  const nodes: Node[] = [];
  const values: Value[] = [];
  const firstValue = new Map<number, number>();
  for (const index of topologicalOrder(entries)) {
    const entry = entries[index]!;
    const id = nodes.length as NodeId;
    firstValue.set(index, values.length);
    const outputs = entry.specs.map((spec, outputIndex) => {
      const valueId = values.length as ValueId;
      values.push(
        Object.freeze({ id: valueId, producer: id, outputIndex, dtype: spec.dtype, shape: spec.shape }),
      );
      return valueId;
    });
    const inputs = entry.references.map(
      (reference) => (firstValue.get(reference.entry)! + reference.index) as ValueId,
    );
    nodes.push(buildNode(entry, id, inputs, outputs));
  }

  const outputValues = new Map<string, ValueId>();
  for (const [name, reference] of Object.entries(definition.outputs)) {
    const found = resolve(byName, specs, reference, `output ${quote(checkName(name, 'output'))}`);
    outputValues.set(name, (firstValue.get(found.entry)! + found.index) as ValueId);
  }
  if (outputValues.size === 0) {
    throw invalidGraph('graph: expected at least one output, received none', 'at least one output', 0);
  }
  const inputValues = new Map<string, ValueId>();
  for (const node of nodes) if (node.kind === 'input') inputValues.set(node.name, node.outputs[0]!);

  const graph: Graph = Object.freeze({
    nodes: Object.freeze(nodes),
    values: Object.freeze(values),
    inputs: specRecord(inputValues, values),
    outputs: specRecord(outputValues, values),
    inputValues,
    outputValues,
  });
  graphs.add(graph);
  return graph;
}
