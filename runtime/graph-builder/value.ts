/** Handles on the values of a graph under construction. */
import type { ValueReference } from '../../scheduler/graph.js';
import type { TensorSpec } from '../../scheduler/tensor.js';

/** One value of a `GraphBuilder`. Only the builder that made it accepts it. */
export class BuilderValue {
  /** The value's name as a string reference: `'node'` or `'node:1'`. */
  readonly reference: ValueReference;
  readonly spec: TensorSpec;
  readonly #builder: object;

  /** @internal Values come from a builder's methods. */
  constructor(builder: object, reference: ValueReference, spec: TensorSpec) {
    this.#builder = builder;
    this.reference = reference;
    this.spec = spec;
  }

  /** @internal */
  static belongsTo(value: BuilderValue, builder: object): boolean {
    return value.#builder === builder;
  }
}

/** What `kernel()` returns: the node's first output, with all of them in `outputs`. */
export class KernelValue extends BuilderValue {
  /** Every output of the node; the first is equal to the value itself. */
  readonly outputs: readonly BuilderValue[];

  /** @internal Values come from a builder's methods. */
  constructor(builder: object, name: string, specs: readonly TensorSpec[]) {
    super(builder, name, specs[0]!);
    this.outputs = Object.freeze(
      specs.map((spec, index) => new BuilderValue(builder, outputReference(name, index), spec)),
    );
  }
}

/** The reference of a node's output: `'node'` for the first, `'node:1'` for the second. */
export function outputReference(node: string, index: number): ValueReference {
  return index === 0 ? node : `${node}:${index}`;
}
