/**
 * Writes recorded nodes as a graph of TensorFlow, in a SavedModel without variables or signatures.
 *
 * Format: tensorflow/core/protobuf/saved_model.proto and meta_graph.proto, tensorflow/core/framework/graph.proto,
 * node_def.proto, attr_value.proto, tensor.proto and tensor_shape.proto.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { curfewError } from '../../../scheduler/errors.js';
import { bytesOf, type TensorData } from '../../../scheduler/tensor.js';
import type { BindingConstants, OpAttribute } from '../addon.js';

/** Version of the graph format that is written: that of TensorFlow 2.17. Later libraries read it. */
const PRODUCER_VERSION = 1882;

/** The tag under which the addon finds the graph. */
export const TAG = 'curfew';

/** Numbers of the fields that are written. */
const SAVED_MODEL = { schemaVersion: 1, metaGraphs: 2 } as const;
const META_GRAPH = { info: 1, graph: 2 } as const;
const META_INFO = { tags: 4 } as const;
const GRAPH = { node: 1, versions: 4 } as const;
const VERSIONS = { producer: 1 } as const;
const NODE = { name: 1, op: 2, input: 3, attribute: 5 } as const;
const MAP_ENTRY = { key: 1, value: 2 } as const;
const ATTRIBUTE = { list: 1, s: 2, i: 3, f: 4, b: 5, type: 6, shape: 7, tensor: 8 } as const;
const SHAPE = { dim: 2, dimSize: 1 } as const;
const TENSOR = { dtype: 1, shape: 2, content: 4 } as const;

type Write = (writer: BinaryWriter) => void;

/** A message within another. */
function message(writer: BinaryWriter, field: number, write: Write): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function varint(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}

function writeShape(writer: BinaryWriter, lengths: readonly number[]): void {
  for (const length of lengths) message(writer, SHAPE.dim, () => varint(writer, SHAPE.dimSize, length));
}

export class GraphWriter {
  readonly #constants: BindingConstants;
  readonly #nodes: Uint8Array[] = [];

  constructor(constants: BindingConstants) {
    this.#constants = constants;
  }

  /** A value from outside. */
  placeholder(name: string, dtype: number, shape: readonly number[]): void {
    this.#node(name, 'Placeholder', [], {
      dtype: (writer) => varint(writer, ATTRIBUTE.type, dtype),
      shape: (writer) => message(writer, ATTRIBUTE.shape, () => writeShape(writer, shape)),
    });
  }

  constant(name: string, dtype: number, shape: readonly number[], data: TensorData): void {
    this.#node(name, 'Const', [], {
      dtype: (writer) => varint(writer, ATTRIBUTE.type, dtype),
      value: (writer) =>
        message(writer, ATTRIBUTE.tensor, () => {
          varint(writer, TENSOR.dtype, dtype);
          message(writer, TENSOR.shape, () => writeShape(writer, shape));
          writer.tag(TENSOR.content, WireType.LengthDelimited).bytes(bytesOf(data));
        }),
    });
  }

  /** An op. `inputs` are names of nodes, with `:1` and so on behind them for outputs that are not the first. */
  op(name: string, op: string, inputs: readonly string[], attributes: readonly OpAttribute[]): void {
    const writes = attributes.map((attribute) => [attribute.name, this.#attribute(attribute)] as const);
    this.#node(name, op, inputs, Object.fromEntries(writes));
  }

  #node(
    name: string,
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Write>>,
  ): void {
    const writer = new BinaryWriter();
    text(writer, NODE.name, name);
    text(writer, NODE.op, op);
    for (const input of inputs) text(writer, NODE.input, input);
    for (const [key, write] of Object.entries(attributes))
      message(writer, NODE.attribute, () => {
        text(writer, MAP_ENTRY.key, key);
        message(writer, MAP_ENTRY.value, write);
      });
    this.#nodes.push(writer.finish());
  }

  /** An attribute as the addon would have set it. */
  #attribute({ name, type, value }: OpAttribute): Write {
    const { TF_ATTR_STRING, TF_ATTR_INT, TF_ATTR_FLOAT, TF_ATTR_BOOL, TF_ATTR_TYPE, TF_ATTR_SHAPE } =
      this.#constants;
    switch (type) {
      case TF_ATTR_STRING:
        return (writer) => text(writer, ATTRIBUTE.s, value as string);
      case TF_ATTR_INT:
        return oneOrMany<number>(value, (writer, one) => varint(writer, ATTRIBUTE.i, one));
      case TF_ATTR_FLOAT:
        return oneOrMany<number>(value, (writer, one) => writer.tag(ATTRIBUTE.f, WireType.Bit32).float(one));
      case TF_ATTR_BOOL:
        return oneOrMany<boolean>(value, (writer, one) => writer.tag(ATTRIBUTE.b, WireType.Varint).bool(one));
      case TF_ATTR_TYPE:
        return (writer) => varint(writer, ATTRIBUTE.type, value as number);
      case TF_ATTR_SHAPE:
        return (writer) => message(writer, ATTRIBUTE.shape, () => writeShape(writer, value as number[]));
      default:
        throw curfewError(
          'UNSUPPORTED_OP',
          `attribute ${name}: expected a type that graphs hold, received ${type}`,
        );
    }
  }

  /** The bytes of `saved_model.pb`. */
  savedModel(): Uint8Array {
    const writer = new BinaryWriter();
    varint(writer, SAVED_MODEL.schemaVersion, 1);
    message(writer, SAVED_MODEL.metaGraphs, () => {
      message(writer, META_GRAPH.info, () => text(writer, META_INFO.tags, TAG));
      message(writer, META_GRAPH.graph, () => {
        for (const node of this.#nodes) writer.tag(GRAPH.node, WireType.LengthDelimited).bytes(node);
        message(writer, GRAPH.versions, () => varint(writer, VERSIONS.producer, PRODUCER_VERSION));
      });
    });
    return writer.finish();
  }
}

/** An element of a list has the number, within the list, that it has outside one. */
function oneOrMany<Value>(value: unknown, write: (writer: BinaryWriter, value: Value) => void): Write {
  if (!Array.isArray(value)) return (writer) => write(writer, value as Value);
  return (writer) =>
    message(writer, ATTRIBUTE.list, () => {
      for (const one of value as Value[]) write(writer, one);
    });
}
