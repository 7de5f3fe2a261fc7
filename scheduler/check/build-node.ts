/** From a checked definition to a node of a graph. */
import { quote } from '../errors.js';
import type { Node, NodeId, ValueId } from '../graph.js';
import { checkData } from '../tensor.js';
import type { Entry } from './entry.js';
import { invalidGraph } from './invalid-graph.js';

/** The frozen node of an entry, given its place and values. */
export function buildNode(
  entry: Entry,
  id: NodeId,
  inputs: readonly ValueId[],
  outputs: readonly ValueId[],
): Node {
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
