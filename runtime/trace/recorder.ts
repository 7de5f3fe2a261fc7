/** The nodes a trace has recorded, and the graph they make. */
import type { DataId, TensorInfo } from '@tensorflow/tfjs-core';
import { createGraph } from '../../scheduler/check.js';
import type { Graph, NodeDefinition, ValueReference } from '../../scheduler/graph.js';
import type { TensorSpec } from '../../scheduler/tensor.js';
import { plainAttributes } from '../attributes.js';
import { describeKernel } from '../graph-builder/describe-kernel.js';
import { outputReference } from '../graph-builder/value.js';
import { Constants } from './constants.js';
import type { NodeNames } from './names.js';
import type { AbstractValue, RecordingBackend } from './recording-backend.js';

type KernelDefinition = NodeDefinition & { readonly kind: 'kernel' };

/** Records the nodes of one trace in the order of its calls, which is a topological one. */
export class Recorder {
  readonly #backend: RecordingBackend;
  readonly #names: NodeNames;
  readonly #inputs: NodeDefinition[] = [];
  readonly #constants: Constants;
  readonly #kernels: KernelDefinition[] = [];

  /** @param retain keeps a constant's data until the graph has been made */
  constructor(backend: RecordingBackend, names: NodeNames, retain: (dataId: DataId) => void) {
    this.#backend = backend;
    this.#names = names;
    this.#constants = new Constants(backend, names, retain);
  }

  /** Declares an input of the graph. */
  input(name: string, spec: TensorSpec): AbstractValue {
    this.#names.reserve(name);
    this.#inputs.push({ kind: 'input', name, spec });
    return { reference: name, spec, origin: `input "${name}"` };
  }

  /**
   * Records a kernel's call.
   *
   * @param findOutputs finds the specs of the outputs of an op that is not in the op table
   */
  kernel(
    op: string,
    inputs: ReadonlyMap<string, TensorInfo>,
    attrs: unknown,
    findOutputs: () => readonly TensorSpec[] | undefined,
  ): readonly AbstractValue[] {
    const name = this.#names.ofKernel(op, inputs.values());
    const attributes = plainAttributes(attrs, `node "${name}" (${op})`, 'INVALID_TRACE', name);
    const references = new Map([...inputs].map(([input, info]) => [input, this.reference(info)]));
    const specs = new Map([...inputs].map(([input, info]) => [input, specOf(info)]));
    const description = describeKernel(op, Object.fromEntries(specs), attributes, name, findOutputs());
    const { outputs, cost } = description;
    const node = { kind: 'kernel', name, op, inputs: Object.fromEntries(references), attributes } as const;
    this.#kernels.push({ ...node, outputs, cost });
    return outputs.map((spec, index) => ({
      reference: outputReference(name, index),
      spec,
      origin: `node "${name}" (${op})`,
    }));
  }

  /** Where the graph has a tensor; constants get a node the first time they are asked for. */
  reference(info: TensorInfo): ValueReference {
    return this.#backend.abstractValue(info.dataId)?.reference ?? this.#constants.reference(info);
  }

  /** The graph of what the outputs need, with all inputs. Constants that it needs are copied now. */
  graph(outputs: Readonly<Record<string, ValueReference>>): Graph {
    const needed = new Set(Object.values(outputs).map(nodeOf));
    const kernels = this.#kernels.toReversed().filter(({ name, inputs }) => {
      if (!needed.has(name)) return false;
      for (const reference of Object.values(inputs)) needed.add(nodeOf(reference));
      return true;
    });
    const constants = this.#constants.definitions(needed);
    return createGraph({ nodes: [...this.#inputs, ...constants, ...kernels.reverse()], outputs });
  }
}

/** What is known of any tensor. Dtypes that no graph has are found out by those who check specs. */
function specOf({ dtype, shape }: TensorInfo): TensorSpec {
  return { dtype: dtype as TensorSpec['dtype'], shape };
}

function nodeOf(reference: ValueReference): string {
  return reference.replace(/:\d+$/, '');
}
