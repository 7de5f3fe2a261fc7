/** Constants that recorded nodes use: weights of the caller, and what was computed from constants. */
import type { DataId, TensorInfo } from '@tensorflow/tfjs-core';
import type { NodeDefinition, ValueReference } from '../../scheduler/graph.js';
import { formatSpec, isDType, type TensorData, type TensorSpec } from '../../scheduler/tensor.js';
import type { NodeNames } from './names.js';
import type { RecordingBackend } from './recording-backend.js';
import { unsupportedConstant } from './violations.js';

interface Constant {
  readonly name: string;
  readonly spec: TensorSpec;
  readonly dataId: DataId;
}

/** One constant per data and spec: aliases of a tensor, such as the clones a gradient saves, are the same constant. */
export class Constants {
  readonly #backend: RecordingBackend;
  readonly #names: NodeNames;
  readonly #retain: (dataId: DataId) => void;
  readonly #bySpec = new Map<DataId, Map<string, Constant>>();

  constructor(backend: RecordingBackend, names: NodeNames, retain: (dataId: DataId) => void) {
    this.#backend = backend;
    this.#names = names;
    this.#retain = retain;
  }

  /** The node of a constant. Its data is read only when the graph is made, as the node may turn out unused. */
  reference(info: TensorInfo): ValueReference {
    const spec = checkedSpec(info);
    const specs = this.#bySpec.get(info.dataId) ?? new Map<string, Constant>();
    this.#bySpec.set(info.dataId, specs);
    const known = specs.get(formatSpec(spec));
    if (known !== undefined) return known.name;
    this.#retain(info.dataId);
    const constant = { name: this.#names.ofConstant(info.dataId), spec, dataId: info.dataId };
    specs.set(formatSpec(spec), constant);
    return constant.name;
  }

  /** Definitions of the constants whose names are `needed`. Constants of the same data and dtype share one copy. */
  definitions(needed: ReadonlySet<string>): NodeDefinition[] {
    const definitions: NodeDefinition[] = [];
    for (const specs of this.#bySpec.values()) {
      const copies = new Map<string, TensorData>();
      for (const { name, spec, dataId } of specs.values()) {
        if (!needed.has(name)) continue;
        const data = copies.get(spec.dtype) ?? this.#backend.copyConstant(dataId, spec);
        copies.set(spec.dtype, data);
        definitions.push({ kind: 'constant', name, tensor: { ...spec, data } });
      }
    }
    return definitions;
  }
}

function checkedSpec({ dtype, shape }: TensorInfo): TensorSpec {
  if (isDType(dtype)) return { dtype, shape: [...shape] };
  throw unsupportedConstant(dtype);
}
