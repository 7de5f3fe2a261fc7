/** The graph: immutable nodes joined by values. `check.ts` is what turns a definition into one. */
import type { DType, Shape, Tensor, TensorData, TensorSpec, TensorSpecs } from './tensor.js';

/** Dense index of a node in `graph.nodes`; also its place in a topological order. */
export type NodeId = number & { readonly __nodeId: unique symbol };
/** Dense index of a value in `graph.values`. */
export type ValueId = number & { readonly __valueId: unique symbol };

/** A constant an op is configured with. Plain data that `structuredClone` keeps whole; numbers may be infinite or NaN. */
export type AttributeValue =
  | null
  | boolean
  | number
  | string
  | readonly AttributeValue[]
  | { readonly [name: string]: AttributeValue };

/** Attributes of a node by TensorFlow.js's names. Those that are `undefined` are left out. */
export type Attributes = { readonly [name: string]: AttributeValue };

/** What a node is expected to cost, from the op table; planning and simulation use it. */
export interface NodeCost {
  /** Arithmetic operations. */
  readonly operations: number;
  /** Bytes read and written. */
  readonly bytes: number;
}

/** What a host node's function gets beside its inputs. */
export interface HostContext {
  /** Aborts when the run is stopped (never in mode `'none'`). */
  readonly signal: AbortSignal;
  /** The node's name. */
  readonly node: string;
}

/**
 * An asynchronous function that runs on the main thread beside device work: read a file, dequeue, decode.
 * It must settle after `signal` aborts; the run waits for it. Inputs are its own copies.
 *
 * It must not wait for another run of its own engine: while it does, its run holds the place that the other may need, and
 * with one place both wait for ever.
 *
 * @returns a tensor for every declared output, by name; a bare typed array is accepted for its spec
 */
export type HostFunction = (
  inputs: Readonly<Record<string, Tensor>>,
  context: HostContext,
) => Promise<Record<string, Tensor | TensorData>> | Record<string, Tensor | TensorData>;

/** One tensor that flows along an edge. */
export interface Value {
  readonly id: ValueId;
  readonly producer: NodeId;
  readonly outputIndex: number;
  readonly dtype: DType;
  readonly shape: Shape;
}

interface NodeBase {
  readonly id: NodeId;
  readonly name: string;
  /** Values consumed, in the order of `inputNames`. */
  readonly inputs: readonly ValueId[];
  readonly inputNames: readonly string[];
  readonly outputs: readonly ValueId[];
}

/** A value fed by each run. */
export interface InputNode extends NodeBase {
  readonly kind: 'input';
}

/** A tensor known when the graph was built; uploaded to each stream once. */
export interface ConstantNode extends NodeBase {
  readonly kind: 'constant';
  readonly data: TensorData;
}

/** An op that a device's kernel executes. */
export interface KernelNode extends NodeBase {
  readonly kind: 'kernel';
  /** Kernel name as TensorFlow.js writes it, such as `Conv2D` or `_FusedMatMul`. */
  readonly op: string;
  readonly attributes: Attributes;
  readonly cost: NodeCost;
}

/** An asynchronous function on the main thread. */
export interface HostNode extends NodeBase {
  readonly kind: 'host';
  readonly outputNames: readonly string[];
  readonly run: HostFunction;
}

export type Node = InputNode | ConstantNode | KernelNode | HostNode;

/**
 * An immutable dataflow graph. Nodes stand in a topological order: every input of a node is produced by an
 * earlier one. Only `createGraph` makes graphs, so whoever holds one can rely on its rules. Its type may know the names
 * of its inputs and outputs.
 */
export interface Graph<Inputs extends TensorSpecs = TensorSpecs, Outputs extends TensorSpecs = TensorSpecs> {
  readonly nodes: readonly Node[];
  readonly values: readonly Value[];
  /** Specs of the feeds a run must bring. The record has no prototype. */
  readonly inputs: Inputs;
  /** Specs of what a run returns. The record has no prototype. */
  readonly outputs: Outputs;
  readonly inputValues: ReadonlyMap<string, ValueId>;
  readonly outputValues: ReadonlyMap<string, ValueId>;
}

/** A value named in a definition: `'node'` for a node's first output, `'node:1'` for another. */
export type ValueReference = string;

/** One node as a definition names it; nodes may stand in any order. */
export type NodeDefinition =
  | { readonly kind: 'input'; readonly name: string; readonly spec: TensorSpec }
  | { readonly kind: 'constant'; readonly name: string; readonly tensor: Tensor }
  | {
      readonly kind: 'kernel';
      readonly name: string;
      readonly op: string;
      readonly inputs: Readonly<Record<string, ValueReference>>;
      readonly attributes: Attributes;
      readonly outputs: readonly TensorSpec[];
      readonly cost: NodeCost;
    }
  | {
      readonly kind: 'host';
      readonly name: string;
      readonly inputs: Readonly<Record<string, ValueReference>>;
      readonly outputs: Readonly<Record<string, TensorSpec>>;
      readonly run: HostFunction;
    };

/** A graph as plain data, not yet checked. */
export interface GraphDefinition {
  readonly nodes: readonly NodeDefinition[];
  readonly outputs: Readonly<Record<string, ValueReference>>;
}

/** The nodes that do work in a run: kernel and host nodes. */
export function isWork(node: Node): node is KernelNode | HostNode {
  return node.kind === 'kernel' || node.kind === 'host';
}

/** The spec of a value alone, as messages between threads carry it. */
export function specOf(graph: Graph, value: ValueId): TensorSpec {
  const { dtype, shape } = graph.values[value]!;
  return { dtype, shape };
}
