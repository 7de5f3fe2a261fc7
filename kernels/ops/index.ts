/** The op table: for each TensorFlow.js kernel its inputs, attributes, the specs of its outputs, and its cost. */
import { CurfewError, curfewError, invariant, quote } from '../../scheduler/errors.js';
import type { Attributes, NodeCost } from '../../scheduler/graph.js';
import { byteLength, checkSpec, elementCount, formatSpec, type TensorSpec } from '../../scheduler/tensor.js';
import { CONVOLUTION } from './convolution.js';
import { CONVOLUTION_3D } from './convolution-3d.js';
import { ELEMENTWISE } from './elementwise.js';
import { explainMissing } from './excluded.js';
import { GENERATORS } from './generators.js';
import { IMAGE } from './image.js';
import { INDEXING } from './indexing.js';
import { MATMUL } from './matmul.js';
import { Mistake } from './mistake.js';
import { NORMALISATION } from './normalisation.js';
import type { InputSpecs, OpDefinition } from './op.js';
import { PIECES } from './pieces.js';
import { POOLING } from './pooling.js';
import { REDUCTIONS } from './reductions.js';
import { SHAPE } from './shape.js';

const DEFINITIONS: readonly OpDefinition[] = [
  ...ELEMENTWISE,
  ...REDUCTIONS,
  ...SHAPE,
  ...PIECES,
  ...INDEXING,
  ...GENERATORS,
  ...MATMUL,
  ...CONVOLUTION,
  ...CONVOLUTION_3D,
  ...POOLING,
  ...NORMALISATION,
  ...IMAGE,
];

/** A Map: op names are untrusted, and a plain object would find `constructor`. */
const TABLE: ReadonlyMap<string, OpDefinition> = new Map(
  DEFINITIONS.map((definition) => [definition.name, definition]),
);
invariant(TABLE.size === DEFINITIONS.length, 'every op has one row in the op table');

/** The row of an op, if the table has one. */
export function findOp(name: string): OpDefinition | undefined {
  return TABLE.get(name);
}

/** Names of all ops in the table. */
export function opNames(): readonly string[] {
  return [...TABLE.keys()];
}

/** What a node's outputs and cost are, as its op, inputs and attributes tell. */
export interface InferredNode {
  readonly outputs: readonly TensorSpec[];
  readonly cost: NodeCost;
}

/**
 * Infers the output specs and the cost of a node without running it.
 *
 * @param inputs specs by input name; '0', '1', … for variadic ops
 * @param nodeName how errors name the node
 * @throws UNSUPPORTED_OP when the table does not describe the op; INVALID_GRAPH when inputs are missing or unknown;
 *   INVALID_ATTRIBUTE when attributes are malformed or contradict the inputs; LIMIT_EXCEEDED when an output is too large
 * @example
 * const x = { dtype: 'float32', shape: [2, 3] } as const;
 * inferNode('Sum', { x }, { axis: 1, keepDims: false }, 'total').outputs; // [{ dtype: 'float32', shape: [2] }]
 */
export function inferNode(
  op: string,
  inputs: InputSpecs,
  attributes: Attributes,
  nodeName: string,
): InferredNode {
  const definition = findOp(op);
  if (definition === undefined) throw unsupportedOp(op, nodeName);
  const what = `node ${quote(nodeName)} (${op})`;
  const given = definedInputs(inputs);
  checkInputNames(definition, given, nodeName, what);
  try {
    const outputs = definition
      .infer(given, attributes)
      .map((output, index) => checkSpec(output, `${what} output ${index}`, 'INVALID_ATTRIBUTE'));
    return { outputs, cost: nodeCost(definition, given, outputs, attributes) };
  } catch (error) {
    throw invalidAttribute(error, given, nodeName, what);
  }
}

function unsupportedOp(op: string, node: string): CurfewError {
  return curfewError(
    'UNSUPPORTED_OP',
    `node ${quote(node)}: expected an op of the op table, received ${quote(op)}: ${explainMissing(op)}`,
    { node, expected: 'an op of the op table', received: op },
  );
}

/** TensorFlow.js passes optional inputs that are left out as `undefined`. */
function definedInputs(inputs: InputSpecs): InputSpecs {
  return Object.fromEntries(Object.entries(inputs).filter(([, input]) => input !== undefined));
}

function expectedNames({ inputs, optionalInputs = [] }: OpDefinition): string {
  if (inputs === 'variadic') return "inputs '0', '1', … without gaps, at least one";
  const names = [...inputs, ...optionalInputs.map((name) => `${name} (optional)`)];
  return names.length === 0 ? 'no inputs' : `inputs ${names.join(', ')}`;
}

function hasExpectedNames({ inputs, optionalInputs = [] }: OpDefinition, names: readonly string[]): boolean {
  if (inputs === 'variadic') return names.length > 0 && names.every((name, index) => name === String(index));
  const known = new Set([...inputs, ...optionalInputs]);
  return inputs.every((name) => names.includes(name)) && names.every((name) => known.has(name));
}

function checkInputNames(definition: OpDefinition, inputs: InputSpecs, node: string, what: string): void {
  const names = Object.keys(inputs);
  if (hasExpectedNames(definition, names)) return;
  const expected = expectedNames(definition);
  const received = names.length === 0 ? 'no inputs' : `inputs ${names.join(', ')}`;
  throw curfewError('INVALID_GRAPH', `${what}: expected ${expected}, received ${received}`, {
    node,
    expected,
    received: names,
  });
}

/** Mistakes found here quote themselves; TensorFlow.js's shape helpers say only what is wrong. */
function invalidAttribute(error: unknown, inputs: InputSpecs, node: string, what: string): CurfewError {
  if (error instanceof CurfewError) return error;
  if (error instanceof Mistake) {
    const { message, expected, received } = error;
    return curfewError('INVALID_ATTRIBUTE', `${what}: ${message}`, { node, expected, received });
  }
  const specs = Object.entries(inputs).map(([name, input]) => `${name} ${formatSpec(input)}`);
  const expected = `attributes that fit ${specs.join(', ')}`;
  const received = error instanceof Error ? error.message : quote(error);
  return curfewError(
    'INVALID_ATTRIBUTE',
    `${what}: expected ${expected}, received a contradiction: ${received}`,
    {
      node,
      expected,
      received,
      cause: error,
    },
  );
}

function nodeCost(
  definition: OpDefinition,
  inputs: InputSpecs,
  outputs: readonly TensorSpec[],
  attributes: Attributes,
): NodeCost {
  const tensors = [...Object.values(inputs), ...outputs];
  return {
    operations: outputs.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    bytes: tensors.reduce((sum, tensor) => sum + byteLength(tensor), 0),
    ...definition.cost?.(inputs, outputs, attributes),
  };
}
