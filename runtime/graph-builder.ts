/** Building a graph by hand: every call checks what it is given, `build()` checks the whole. */
import { checkName } from '../scheduler/check/name.js';
import { createGraph, isGraph } from '../scheduler/check.js';
import { quote } from '../scheduler/errors.js';
import type { Graph, HostFunction, NodeDefinition, ValueReference } from '../scheduler/graph.js';
import {
  checkData,
  checkSpec,
  copyData,
  formatSpec,
  refuseTfTensor,
  type Tensor,
  type TensorSpec,
  type TensorSpecs,
} from '../scheduler/tensor.js';
import { plainAttributes } from './attributes.js';
import { describeKernel, sameSpec } from './graph-builder/describe-kernel.js';
import { inlineGraph } from './graph-builder/inline.js';
import {
  checkInputNames,
  declaredSpecs,
  entriesOf,
  invalid,
  toRecord,
  undefinedInput,
  usedName,
} from './graph-builder/mistakes.js';
import { BuilderValue, KernelValue, outputReference } from './graph-builder/value.js';
import { checkKeys, invalidOption } from './option-checks.js';
import { UniqueNames } from './unique-names.js';

export type { BuilderValue, KernelValue } from './graph-builder/value.js';

/** A value as the builder takes it: one of its own, or a reference (`'node'`, `'node:1'`), also to a later node. */
export type BuilderInput = BuilderValue | ValueReference;

/** Values by the names an op or a host function knows them by. */
export type BuilderInputs = Readonly<Record<string, BuilderInput | undefined>>;

/** How a kernel node is made. */
export interface KernelOptions {
  /** Name of the node. Default: the op's, numbered from the second on (`Add`, `Add_1`). */
  readonly name?: string | undefined;
  /** Specs of the outputs. Needed for an op that is not in the op table and for inputs that are defined later. */
  readonly outputs?: readonly TensorSpec[] | undefined;
}

/** What a host node is made of. */
export interface HostOptions<Outputs extends Readonly<Record<string, TensorSpec>>> {
  /** Values the function gets. Default: none. */
  readonly inputs?: BuilderInputs | undefined;
  /** Specs of what the function returns. */
  readonly outputs: Outputs;
  /** Runs on the main thread beside device work; must settle once its signal aborts. */
  readonly run: HostFunction;
}

/** How a graph is inlined. */
export interface InlineOptions {
  /** Stands before the names of its nodes, followed by '/'; '' leaves them as they are. Default: `graph`, `graph_1`, … */
  readonly prefix?: string | undefined;
}

interface Resolved {
  readonly references: Readonly<Record<string, ValueReference>>;
  /** The first that refers to a node not defined yet. */
  readonly missing: ValueReference | undefined;
}

/**
 * Builds a graph node by node.
 *
 * Dtypes are 'float32', 'int32' and 'bool'; ranks go from 0 to 6. Nodes may be defined in any order when later ones are
 * named by strings. Mistakes throw where they are made; those that only the whole graph shows (a cycle, a reference to
 * nothing, declared outputs that contradict a later input) throw in `build()`. Besides the codes named at each method,
 * tensors and names beyond the limits throw LIMIT_EXCEEDED.
 *
 * @example
 * const builder = new GraphBuilder();
 * const x = builder.input('x', { dtype: 'float32', shape: [1, 2] });
 * const w = builder.constant('w', { dtype: 'float32', shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) });
 * const y = builder.kernel('BatchMatMul', { a: x, b: w }, { transposeA: false, transposeB: false });
 * const { doubled } = builder.host('double', {
 *   inputs: { y },
 *   outputs: { doubled: { dtype: 'float32', shape: [1, 2] } },
 *   run: ({ y }) => ({ doubled: y.data.map((value) => 2 * value) }),
 * });
 * builder.output('doubled', doubled);
 * const graph = builder.build();
 */
export class GraphBuilder {
  readonly #definitions: NodeDefinition[] = [];
  readonly #names = new UniqueNames();
  /** Specs by reference; a node's first output is there as `node` and as `node:0`. */
  readonly #specs = new Map<ValueReference, TensorSpec>();
  readonly #outputs = new Map<string, ValueReference>();
  /** Checks that had to wait for nodes defined later. They may replace a definition. */
  readonly #afterwards: ((definitions: NodeDefinition[]) => void)[] = [];

  /**
   * A value that each run feeds.
   *
   * @throws INVALID_GRAPH for a used or unusable name or a malformed spec
   */
  input(name: string, spec: TensorSpec): BuilderValue {
    const checked = checkSpec(spec, `node ${quote(name)}`, 'INVALID_GRAPH');
    this.#define({ kind: 'input', name, spec: checked }, [checked]);
    return this.#value(name, checked);
  }

  /**
   * A tensor known now. Its data is copied here, so that changing it afterwards changes no graph.
   *
   * @throws INVALID_GRAPH for a used or unusable name, a malformed spec, or data of another type or length;
   *   OUT_OF_MEMORY when there is none for the copy
   */
  constant(name: string, tensor: Tensor): BuilderValue {
    const what = `node ${quote(name)}`;
    refuseTfTensor(tensor, what, 'INVALID_GRAPH');
    const spec = checkSpec(tensor, what, 'INVALID_GRAPH');
    const data = copyData(spec.dtype, checkData(tensor.data, spec, what, 'INVALID_GRAPH'), what);
    this.#define({ kind: 'constant', name, tensor: { ...spec, data } }, [spec]);
    return this.#value(name, spec);
  }

  /**
   * An op that a device's kernel executes. Inputs and attributes carry TensorFlow.js's names (variadic ops name theirs
   * '0', '1', …); those that are `undefined` count as left out.
   *
   * @returns the first output; its `outputs` lists all
   * @throws UNSUPPORTED_OP for an op that is not in the op table, without `options.outputs`; INVALID_ATTRIBUTE for
   *   attributes that are no plain data or do not suit the op; INVALID_OPTION for options that are none; INVALID_GRAPH
   *   for anything else
   */
  kernel(
    op: string,
    inputs: BuilderInputs,
    attributes: Readonly<Record<string, unknown>> = {},
    options: KernelOptions = {},
  ): KernelValue {
    checkKeys(options as unknown, 'options of kernel()', ['name', 'outputs']);
    const name = options.name ?? this.#names.fresh(checkName(op, 'op'));
    const what = `node ${quote(name)}`;
    const plain = plainAttributes(attributes, what, 'INVALID_ATTRIBUTE', name);
    const declared = declaredSpecs(options.outputs, what, name);
    const { references, missing } = this.#resolve(inputs, what);
    const describe = () => describeKernel(op, this.#specsOf(references), plain, name, declared);
    const known = { kind: 'kernel', name, op, inputs: references, attributes: plain } as const;
    if (missing === undefined) {
      const { outputs, cost } = describe();
      this.#define({ ...known, outputs, cost }, outputs);
      return new KernelValue(this, name, outputs);
    }
    if (declared === undefined) throw undefinedInput(what, name, missing);
    const place = this.#definitions.length;
    this.#define({ ...known, outputs: declared, cost: { operations: 0, bytes: 0 } }, declared);
    this.#afterwards.push((definitions) => {
      // A reference that still leads nowhere is createGraph's to report.
      const complete = Object.values(references).every((reference) => this.#specs.has(reference));
      if (complete) definitions[place] = { ...known, ...describe() };
    });
    return new KernelValue(this, name, declared);
  }

  /**
   * An asynchronous function on the main thread: read a file, dequeue, decode.
   *
   * @returns its outputs by name
   * @throws INVALID_GRAPH for a used or unusable name, malformed specs, foreign values, or no function
   */
  host<const Outputs extends Readonly<Record<string, TensorSpec>>>(
    name: string,
    options: HostOptions<Outputs>,
  ): { readonly [Name in keyof Outputs]: BuilderValue } {
    const what = `node ${quote(name)}`;
    if (typeof options?.run !== 'function') {
      throw invalid(
        `${what}: expected a function as run, received ${quote(options?.run)}`,
        'function',
        options,
      );
    }
    const outputs = entriesOf(options.outputs, `${what} outputs`);
    const specs = outputs.map(([output, spec]) =>
      checkSpec(spec, `${what} output ${quote(checkName(output, what))}`, 'INVALID_GRAPH'),
    );
    const named = Object.fromEntries(outputs.map(([output], index) => [output, specs[index]!]));
    const inputs = this.#resolve(options.inputs ?? {}, what).references;
    this.#define({ kind: 'host', name, inputs, outputs: named, run: options.run }, specs);
    const values = outputs.map(
      ([output], index) => [output, this.#value(outputReference(name, index), specs[index]!)] as const,
    );
    return toRecord(values) as { [Name in keyof Outputs]: BuilderValue };
  }

  /**
   * Makes all nodes of another graph part of this one: a traced network behind a host node that decodes its image.
   * Constants are shared, not copied.
   *
   * @param inputs a value for each of the graph's inputs, of the same spec
   * @returns the graph's outputs by name
   * @throws INVALID_GRAPH for something that is no graph, an input that is missing, unknown or of another spec, or a
   *   prefix that gives a node a used name; INVALID_OPTION
   */
  graph<Inputs extends TensorSpecs, Outputs extends TensorSpecs>(
    graph: Graph<Inputs, Outputs>,
    inputs: { readonly [Name in keyof Inputs]: BuilderInput },
    options: InlineOptions = {},
  ): { readonly [Name in keyof Outputs]: BuilderValue } {
    if (!isGraph(graph)) throw invalid(`graph(): expected a graph, received ${quote(graph)}`, 'graph', graph);
    checkKeys(options as unknown, 'options of graph()', ['prefix']);
    const prefix = options.prefix ?? this.#names.fresh('graph');
    if (typeof prefix !== 'string') throw invalidOption('prefix', 'a string', prefix);
    const what = `inlined graph ${quote(prefix)}`;
    const { references } = this.#resolve(inputs, what);
    checkInputNames(graph, references, what);
    const check = () => this.#checkBindings(graph, references, what);
    check();
    this.#afterwards.push(check);
    const rename = (name: string) => (prefix === '' ? name : `${prefix}/${name}`);
    const inlined = inlineGraph(graph, new Map(Object.entries(references)), rename);
    for (const { definition, outputs } of inlined.nodes) this.#define(definition, outputs);
    const values = [...inlined.outputs].map(
      ([name, reference]) => [name, this.#value(reference, graph.outputs[name]!)] as const,
    );
    return toRecord(values) as { [Name in keyof Outputs]: BuilderValue };
  }

  /**
   * Names a value that a run returns. A value may have several names.
   *
   * @throws INVALID_GRAPH for a used or unusable name, or a value of another builder
   */
  output(name: string, value: BuilderInput): void {
    const what = `output ${quote(checkName(name, 'output'))}`;
    if (this.#outputs.has(name)) throw usedName(what, name);
    this.#outputs.set(name, this.#reference(value, what));
  }

  /**
   * The graph as built so far. Nodes keep their order where it is topological.
   *
   * @throws INVALID_GRAPH for a cycle, a reference to nothing, no output, or declared outputs that contradict the op;
   *   INVALID_ATTRIBUTE for attributes that do not suit inputs defined later; LIMIT_EXCEEDED for too many nodes
   */
  build(): Graph {
    const nodes = [...this.#definitions];
    for (const finish of this.#afterwards) finish(nodes);
    return createGraph({ nodes, outputs: toRecord(this.#outputs) });
  }

  #define(definition: NodeDefinition, outputs: readonly TensorSpec[]): void {
    const name = checkName(definition.name, 'node');
    if (this.#names.has(name)) throw usedName(`node ${quote(name)}`, name);
    this.#names.add(name);
    this.#definitions.push(definition);
    if (outputs[0] !== undefined) this.#specs.set(name, outputs[0]);
    for (const [index, spec] of outputs.entries()) this.#specs.set(`${name}:${index}`, spec);
  }

  #value(reference: ValueReference, spec: TensorSpec): BuilderValue {
    return new BuilderValue(this, reference, spec);
  }

  #reference(value: unknown, what: string): ValueReference {
    if (typeof value === 'string') return value;
    if (value instanceof BuilderValue && BuilderValue.belongsTo(value, this)) return value.reference;
    const received = value instanceof BuilderValue ? 'a value of another builder' : quote(value);
    throw invalid(
      `${what}: expected a value of this builder or its reference, received ${received}`,
      'value of this builder or its reference',
      value,
    );
  }

  #resolve(inputs: BuilderInputs, what: string): Resolved {
    const references = entriesOf(inputs, `${what} inputs`)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => {
        const input = `${what} input ${quote(checkName(name, `${what} input`))}`;
        return [name, this.#reference(value, input)] as const;
      });
    const missing = references.find(([, reference]) => !this.#specs.has(reference))?.[1];
    return { references: toRecord(references), missing };
  }

  /** Specs of what has been defined; a reference that leads nowhere is left out. */
  #specsOf(references: Resolved['references']): Record<string, TensorSpec> {
    const known = Object.entries(references).filter(([, reference]) => this.#specs.has(reference));
    return toRecord(known.map(([name, reference]) => [name, this.#specs.get(reference)!]));
  }

  #checkBindings(graph: Graph, references: Resolved['references'], what: string): void {
    for (const [name, spec] of Object.entries(this.#specsOf(references))) {
      const expected = graph.inputs[name]!;
      if (sameSpec(expected, spec)) continue;
      throw invalid(
        `${what} input ${quote(name)}: expected ${formatSpec(expected)}, received ${formatSpec(spec)}`,
        formatSpec(expected),
        formatSpec(spec),
      );
    }
  }
}
