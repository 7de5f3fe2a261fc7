/** Chunks on TensorFlow: the ops of several nodes as one graph, which TensorFlow optimizes and runs as one call. */
import { CurfewError, curfewError } from '../../../scheduler/errors.js';
import type { ValueId } from '../../../scheduler/graph.js';
import type {
  Chunk,
  ChunkCompiler,
  ChunkRequest,
  PreparedNode,
  ProgramNode,
  ValueTable,
} from '../../../scheduler/kernel.js';
import { messageOf } from '../../../scheduler/quote.js';
import { byteLength, formatSpec, sameShape, type TensorSpec } from '../../../scheduler/tensor.js';
import type { TensorMetadata } from '../addon.js';
import type { CountedBinding } from '../counted-binding.js';
import { isSameInGraphs } from '../support.js';
import type { TensorFlowTensor } from '../tensor.js';
import { GraphWriter } from './graph-writer.js';
import { NodeRecorder, type NodeRecording, type OpInput } from './recording.js';
import { loadGraph } from './saved-model.js';

/** A graph must be shorter than 2 GiB; this leaves room for all that is not constants. */
const MAX_CONSTANT_BYTES = 2 ** 31 - 2 ** 24;

/** Nodes of the graph in TensorFlow's messages. */
const OP_NAME = /\bn(\d+)_\d+\b/;

/**
 * Prepares nodes as they execute by themselves, with all that is checked first. A check of indices reads them, and what is
 * read cannot be recorded: so no chunk holds a node with indices, which TensorFlow's graphs would not check on a GPU.
 */
export type PrepareNode = (node: ProgramNode) => PreparedNode;

export class TensorFlowChunks implements ChunkCompiler {
  readonly #binding: CountedBinding;
  readonly #prepare: PrepareNode;
  /** See `TensorFlowThreadOptions`. */
  readonly #token: string;

  constructor(binding: CountedBinding, prepare: PrepareNode, token: string) {
    this.#binding = binding;
    this.#prepare = prepare;
    this.#token = token;
  }

  record(node: ProgramNode, values: ValueTable): NodeRecording | undefined {
    const run = this.#prepare(node);
    const recorder = new NodeRecorder(node, values);
    this.#binding.recorder = recorder;
    try {
      run(values);
    } finally {
      this.#binding.recorder = undefined;
    }
    return isSameInGraphs(node) ? recorder.recording(node, values) : undefined;
  }

  compile(request: ChunkRequest): Chunk {
    const bytes = constantBytesOf(request);
    if (bytes > MAX_CONSTANT_BYTES)
      throw curfewError('UNSUPPORTED_OP', 'the constants of a graph take 2 GiB at most');
    const release = this.#binding.hold(bytes);
    try {
      const graph = new ChunkGraph(this.#binding, new GraphWriter(this.#binding), request);
      graph.write();
      const model = loadGraph(this.#binding, graph.writer.savedModel(), this.#token);
      return {
        run: this.#runner(model, graph, request),
        release: () => {
          this.#binding.deleteSavedModel(model);
          release();
        },
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  #runner(model: number, { inputs, outputs }: ChunkGraph, request: ChunkRequest): PreparedNode {
    const inputNames = inputs.map(nameOfValue).join(',');
    const outputNames = outputs.join(',');
    const specs = request.outputs.map((value) => specOf(request, value));
    const bytes = specs.reduce((sum, spec) => sum + byteLength(spec), 0);
    return (values) => {
      this.#binding.checkRoom(bytes);
      const ids = inputs.map((value) => (values[value] as TensorFlowTensor).id);
      const made = this.#run(request, () => this.#binding.runSavedModel(model, ids, inputNames, outputNames));
      this.#checkMade(made, request, specs);
      for (const [index, value] of request.outputs.entries())
        values[value] = { ...specs[index]!, id: made[index]!.id } as TensorFlowTensor;
    };
  }

  /** A graph must give what its nodes promise; if it does not, nothing of it is left. */
  #checkMade(made: readonly TensorMetadata[], { nodes, outputs }: ChunkRequest, specs: TensorSpec[]): void {
    const wrong = specs.findIndex(({ dtype, shape }, index) => {
      const tensor = made[index];
      return tensor?.dtype !== this.#binding.typeOf(dtype) || !sameShape(tensor.shape, shape);
    });
    if (wrong === -1) return;
    for (const { id } of made) this.#binding.deleteTensor(id);
    const name = nodes.find(({ node }) => node.outputs.includes(outputs[wrong]!))!.node.name;
    const [expected, received] = [formatSpec(specs[wrong]!), describe(made[wrong])];
    throw curfewError('KERNEL_FAILED', `node "${name}": expected ${expected}, received ${received}`, {
      node: name,
      expected,
      received,
    });
  }

  /** TensorFlow names the op that failed, and its name tells the node. */
  #run<Result>({ nodes }: ChunkRequest, run: () => Result): Result {
    try {
      return run();
    } catch (error) {
      const id = Number(OP_NAME.exec(messageOf(error))?.[1]);
      const name = nodes.find(({ node }) => node.id === id)?.node.name;
      if (name === undefined) throw error;
      const code = error instanceof CurfewError ? error.code : 'KERNEL_FAILED';
      throw curfewError(code, `node "${name}": ${messageOf(error)}`, { node: name, cause: error });
    }
  }
}

const describe = (tensor: TensorMetadata | undefined): string =>
  tensor === undefined ? 'nothing' : `[${tensor.shape}] of TensorFlow's type ${tensor.dtype}`;

const nameOfValue = (value: ValueId): string => `v${value}:0`;

/** Bytes of the constants that the graph of a chunk holds. */
function constantBytesOf({ nodes, constants }: ChunkRequest): number {
  const sizes = new Map<ValueId, number>();
  let bytes = 0;
  for (const { node, recording } of nodes) {
    for (const { data } of (recording as NodeRecording).made) bytes += data.byteLength;
    for (const [index, value] of node.inputs.entries())
      if (constants[value] !== undefined) sizes.set(value, byteLength(node.inputSpecs[index]!));
  }
  for (const size of sizes.values()) bytes += size;
  return bytes;
}

function specOf({ nodes }: ChunkRequest, value: ValueId): TensorSpec {
  for (const { node } of nodes) {
    const index = node.outputs.indexOf(value);
    if (index !== -1) return node.outputSpecs[index]!;
  }
  throw new TypeError('the outputs of a chunk are made by its nodes');
}

/** The graph of a chunk. */
class ChunkGraph {
  readonly writer: GraphWriter;
  /** Values from outside. */
  readonly inputs: ValueId[] = [];
  /** Names of the outputs, in the order of the request. */
  readonly outputs: string[] = [];
  readonly #binding: CountedBinding;
  readonly #request: ChunkRequest;
  /** Names of what there is, by value. */
  readonly #names = new Map<ValueId, string>();

  constructor(binding: CountedBinding, writer: GraphWriter, request: ChunkRequest) {
    this.#binding = binding;
    this.writer = writer;
    this.#request = request;
  }

  write(): void {
    for (const { node, recording } of this.#request.nodes) this.#writeNode(node, recording as NodeRecording);
    for (const value of this.#request.outputs) this.outputs.push(withOutput(this.#names.get(value)!));
  }

  #writeNode(node: ProgramNode, { ops, made, outputs }: NodeRecording): void {
    const nameOf = (input: OpInput): string => {
      switch (input.kind) {
        case 'input':
          return this.#nameOfInput(node, input.index);
        case 'made':
          return `n${node.id}_c${input.made}`;
        case 'op':
          return input.output === 0 ? `n${node.id}_${input.op}` : `n${node.id}_${input.op}:${input.output}`;
      }
    };
    for (const [index, { dtype, shape, data }] of made.entries())
      this.writer.constant(`n${node.id}_c${index}`, dtype, shape, data);
    for (const [index, { name, attributes, inputs }] of ops.entries())
      this.writer.op(`n${node.id}_${index}`, name, inputs.map(nameOf), attributes);
    for (const [index, source] of outputs.entries()) this.#names.set(node.outputs[index]!, nameOf(source));
  }

  /** The name of a node's input: made before, a constant, or a value from outside. */
  #nameOfInput(node: ProgramNode, index: number): string {
    const value = node.inputs[index]!;
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const name = `v${value}`;
    this.#names.set(value, name);
    const { dtype, shape } = node.inputSpecs[index]!;
    const constant = this.#request.constants[value] as TensorFlowTensor | undefined;
    if (constant === undefined) {
      this.writer.placeholder(name, this.#binding.typeOf(dtype), shape);
      this.inputs.push(value);
    } else {
      const data = this.#binding.tensorDataSync(constant.id);
      this.writer.constant(name, this.#binding.typeOf(dtype), shape, data);
    }
    return name;
  }
}

const withOutput = (name: string): string => (name.includes(':') ? name : `${name}:0`);
