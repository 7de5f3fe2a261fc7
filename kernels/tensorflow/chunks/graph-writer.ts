/** Writes recorded nodes as a graph of TensorFlow. */
import { bytesOf, type TensorData } from '../../../scheduler/tensor.js';
import type { BindingConstants, OpAttribute } from '../addon.js';
import type { AttributeMessage, GraphMessages, NodeMessage } from './graph-messages.js';

/** Version of the graph format that is written: that of TensorFlow 2.17. Later libraries read it. */
const PRODUCER_VERSION = 1882;

/** The tag under which the addon finds the graph. */
export const TAG = 'curfew';

export class GraphWriter {
  readonly #messages: GraphMessages;
  readonly #constants: BindingConstants;
  readonly #nodes: NodeMessage[] = [];
  #bytes = 0;

  constructor(messages: GraphMessages, constants: BindingConstants) {
    this.#messages = messages;
    this.#constants = constants;
  }

  /** Bytes of constants so far. */
  get constantBytes(): number {
    return this.#bytes;
  }

  /** A value from outside. */
  placeholder(name: string, dtype: number, shape: readonly number[]): void {
    this.#node(name, 'Placeholder', [], {
      dtype: this.#attribute((value) => value.setType(dtype)),
      shape: this.#attribute((value) => value.setShape(this.#shape(shape))),
    });
  }

  constant(name: string, dtype: number, shape: readonly number[], data: TensorData): void {
    const tensor = new this.#messages.Tensor();
    tensor.setDtype(dtype);
    tensor.setTensorShape(this.#shape(shape));
    tensor.setTensorContent(bytesOf(data));
    this.#bytes += data.byteLength;
    this.#node(name, 'Const', [], {
      dtype: this.#attribute((value) => value.setType(dtype)),
      value: this.#attribute((value) => value.setTensor(tensor)),
    });
  }

  /** An op. `inputs` are names of nodes, with `:1` and so on behind them for outputs that are not the first. */
  op(name: string, op: string, inputs: readonly string[], attributes: readonly OpAttribute[]): void {
    this.#node(
      name,
      op,
      inputs,
      Object.fromEntries(attributes.map((attribute) => [attribute.name, this.#opAttribute(attribute)])),
    );
  }

  /** The bytes of `saved_model.pb`. */
  savedModel(): Uint8Array {
    const { GraphDef, VersionDef, MetaGraphDef, SavedModel } = this.#messages;
    const versions = new VersionDef();
    versions.setProducer(PRODUCER_VERSION);
    const graph = new GraphDef();
    graph.setNodeList(this.#nodes);
    graph.setVersions(versions);
    const info = new MetaGraphDef.MetaInfoDef();
    info.setTagsList([TAG]);
    const metaGraph = new MetaGraphDef();
    metaGraph.setMetaInfoDef(info);
    metaGraph.setGraphDef(graph);
    const model = new SavedModel();
    model.setSavedModelSchemaVersion(1);
    model.setMetaGraphsList([metaGraph]);
    return model.serializeBinary();
  }

  #node(
    name: string,
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeMessage>>,
  ): void {
    const node = new this.#messages.NodeDef();
    node.setName(name);
    node.setOp(op);
    node.setInputList(inputs);
    for (const [key, value] of Object.entries(attributes)) node.getAttrMap().set(key, value);
    this.#nodes.push(node);
  }

  #attribute(fill: (value: AttributeMessage) => void): AttributeMessage {
    const value = new this.#messages.AttrValue();
    fill(value);
    return value;
  }

  #shape(lengths: readonly number[]) {
    const shape = new this.#messages.TensorShape();
    shape.setDimList(
      lengths.map((length) => {
        const dim = new this.#messages.TensorShape.Dim();
        dim.setSize(length);
        return dim;
      }),
    );
    return shape;
  }

  /** An attribute as the addon would have set it. */
  #opAttribute({ name, type, value }: OpAttribute): AttributeMessage {
    const { TF_ATTR_STRING, TF_ATTR_INT, TF_ATTR_FLOAT, TF_ATTR_BOOL, TF_ATTR_TYPE, TF_ATTR_SHAPE } =
      this.#constants;
    return this.#attribute((message) => {
      const list = new this.#messages.AttrValue.ListValue();
      if (Array.isArray(value) && type !== TF_ATTR_SHAPE) message.setList(list);
      switch (type) {
        case TF_ATTR_STRING:
          return message.setS(new TextEncoder().encode(value as string));
        case TF_ATTR_INT:
          return Array.isArray(value) ? list.setIList(value) : message.setI(value as number);
        case TF_ATTR_FLOAT:
          return Array.isArray(value) ? list.setFList(value) : message.setF(value as number);
        case TF_ATTR_BOOL:
          return Array.isArray(value) ? list.setBList(value) : message.setB(value as boolean);
        case TF_ATTR_TYPE:
          return message.setType(value as number);
        case TF_ATTR_SHAPE:
          return message.setShape(this.#shape(value as number[]));
        default:
          throw new TypeError(`attribute ${name}: expected a type that graphs hold, received ${type}`);
      }
    });
  }
}
