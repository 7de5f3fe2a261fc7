/** What the op table says of one op. */
import type { Attributes, NodeCost } from '../../scheduler/graph.js';
import type { TensorSpec } from '../../scheduler/tensor.js';

/** Specs of a node's inputs by name. Variadic ops (`Concat`, `AddN`) name theirs '0', '1', … as TensorFlow.js does. */
export type InputSpecs = Readonly<Record<string, TensorSpec>>;

/** One row of the op table. */
export interface OpDefinition {
  /** Kernel name as TensorFlow.js writes it. */
  readonly name: string;
  /** Names of the inputs; `'variadic'` for one or more, named '0', '1', …. */
  readonly inputs: readonly string[] | 'variadic';
  /** Inputs that may be left out. */
  readonly optionalInputs?: readonly string[];
  /**
   * Specs of the outputs.
   *
   * @throws a `Mistake`, or whatever TensorFlow.js's shape helpers throw, when the attributes are malformed or
   *   contradict the inputs; call `inferNode`, which makes it INVALID_ATTRIBUTE and names the node
   */
  infer(inputs: InputSpecs, attributes: Attributes): readonly TensorSpec[];
  /** Expected cost; left out, it is one operation per output element and the bytes of all inputs and outputs. */
  cost?(inputs: InputSpecs, outputs: readonly TensorSpec[], attributes: Attributes): Partial<NodeCost>;
}
