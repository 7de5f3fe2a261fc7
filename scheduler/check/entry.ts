/** A definition whose names, specs and references are checked, before it has a place in a graph. */
import { quote } from '../errors.js';
import type { NodeDefinition, ValueReference } from '../graph.js';
import { checkSpec, type TensorSpec } from '../tensor.js';
import { invalidGraph } from './invalid-graph.js';
import { checkName } from './name.js';
import { type FoundValue, resolveReference } from './reference.js';

export interface Entry {
  readonly definition: NodeDefinition;
  /** Of its outputs. */
  readonly specs: readonly TensorSpec[];
  /** Its inputs, by index of the entries that make them. */
  readonly references: readonly (FoundValue & { readonly inputName: string })[];
}

/** The specs of a node's outputs, checked. */
export function outputSpecs(definition: NodeDefinition): readonly TensorSpec[] {
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

/** Finds what each definition refers to. */
export function linkEntries(
  definitions: readonly NodeDefinition[],
  byName: ReadonlyMap<string, number>,
  specs: readonly (readonly TensorSpec[])[],
): Entry[] {
  return definitions.map((definition, index) => ({
    definition,
    specs: specs[index]!,
    references: inputReferences(definition).map(([inputName, reference]) => {
      const what = `node ${quote(definition.name)} input ${quote(inputName)}`;
      return { inputName, ...resolveReference(byName, specs, reference, what) };
    }),
  }));
}
