/**
 * TensorFlow's protobuf messages of graphs, as tfjs-node's package carries them, generated for google-protobuf. Format:
 * tensorflow/core/protobuf/saved_model.proto, meta_graph.proto and tensorflow/core/framework/graph.proto.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';

interface Message {
  serializeBinary(): Uint8Array;
}

interface ShapeMessage extends Message {
  setDimList(dims: readonly object[]): void;
}

interface TensorMessage extends Message {
  setDtype(dtype: number): void;
  setTensorShape(shape: ShapeMessage): void;
  setTensorContent(bytes: Uint8Array): void;
}

interface ListMessage extends Message {
  setIList(values: readonly number[]): void;
  setFList(values: readonly number[]): void;
  setBList(values: readonly boolean[]): void;
}

export interface AttributeMessage extends Message {
  setS(bytes: Uint8Array): void;
  setI(value: number): void;
  setF(value: number): void;
  setB(value: boolean): void;
  setType(type: number): void;
  setShape(shape: ShapeMessage): void;
  setTensor(tensor: TensorMessage): void;
  setList(list: ListMessage): void;
}

export interface NodeMessage extends Message {
  setName(name: string): void;
  setOp(op: string): void;
  setInputList(inputs: readonly string[]): void;
  getAttrMap(): { set(name: string, value: AttributeMessage): void };
}

interface GraphMessage extends Message {
  setNodeList(nodes: readonly NodeMessage[]): void;
  setVersions(versions: object): void;
}

interface MetaGraphMessage extends Message {
  setMetaInfoDef(info: object): void;
  setGraphDef(graph: GraphMessage): void;
}

interface SavedModelMessage extends Message {
  setSavedModelSchemaVersion(version: number): void;
  setMetaGraphsList(graphs: readonly MetaGraphMessage[]): void;
}

/** Constructors of the messages. */
export interface GraphMessages {
  readonly TensorShape: (new () => ShapeMessage) & {
    readonly Dim: new () => { setSize(size: number): void };
  };
  readonly Tensor: new () => TensorMessage;
  readonly AttrValue: (new () => AttributeMessage) & { readonly ListValue: new () => ListMessage };
  readonly NodeDef: new () => NodeMessage;
  readonly GraphDef: new () => GraphMessage;
  readonly VersionDef: new () => { setProducer(version: number): void };
  readonly MetaGraphDef: (new () => MetaGraphMessage) & {
    readonly MetaInfoDef: new () => { setTagsList(tags: readonly string[]): void };
  };
  readonly SavedModel: new () => SavedModelMessage;
}

/** Loads the messages. @throws where the package or google-protobuf is incomplete */
export function loadGraphMessages(packageFolder: string): GraphMessages {
  const file = join(packageFolder, 'dist', 'proto', 'api_pb.js');
  return createRequire(file)(file) as GraphMessages;
}
