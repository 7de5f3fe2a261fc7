/** Records what a node's kernel asks of TensorFlow: the ops, and what each is given. */
import { invariant } from '../../../scheduler/errors.js';
import type { ProgramNode, ValueTable } from '../../../scheduler/kernel.js';
import type { TensorData } from '../../../scheduler/tensor.js';
import type { OpAttribute, TensorMetadata } from '../addon.js';
import type { BindingRecorder } from '../counted-binding.js';
import type { TensorFlowTensor } from '../tensor.js';

/** What an op is given, or a node gives. */
export type OpInput =
  /** An input of the node, by its place among them. */
  | { readonly kind: 'input'; readonly index: number }
  /** An output of an op before. */
  | { readonly kind: 'op'; readonly op: number; readonly output: number }
  /** A tensor that the kernel makes of its attributes. */
  | { readonly kind: 'made'; readonly made: number };

export interface RecordedOp {
  readonly name: string;
  readonly attributes: readonly OpAttribute[];
  readonly inputs: readonly OpInput[];
}

/** A tensor that the kernel makes. */
export interface MadeTensor {
  readonly shape: readonly number[];
  /** TensorFlow's number of the type. */
  readonly dtype: number;
  readonly data: TensorData;
}

/** A node as ops of TensorFlow. */
export interface NodeRecording {
  readonly ops: readonly RecordedOp[];
  readonly made: readonly MadeTensor[];
  readonly outputs: readonly OpInput[];
}

/** Listens to the binding while one node executes. */
export class NodeRecorder implements BindingRecorder {
  readonly #sources = new Map<number, OpInput>();
  readonly #ops: RecordedOp[] = [];
  readonly #made: MadeTensor[] = [];
  /** Set by what cannot be repeated without the kernel: it looks at values, or uses a tensor from elsewhere. */
  #isOpaque = false;

  constructor({ inputs }: ProgramNode, values: ValueTable) {
    for (const [index, value] of inputs.entries())
      this.#sources.set((values[value] as TensorFlowTensor).id, { kind: 'input', index });
  }

  created(
    id: number,
    shape: readonly number[],
    dtype: number,
    values: TensorData | readonly Uint8Array[],
  ): void {
    if (!ArrayBuffer.isView(values)) {
      this.#isOpaque = true;
      return;
    }
    this.#sources.set(id, { kind: 'made', made: this.#made.length });
    this.#made.push({ shape: [...shape], dtype, data: values.slice() as TensorData });
  }

  executed(
    name: string,
    attributes: readonly OpAttribute[],
    inputIds: readonly number[],
    outputs: readonly TensorMetadata[],
  ): void {
    const inputs = inputIds.flatMap((id) => this.#sources.get(id) ?? []);
    if (inputs.length !== inputIds.length) this.#isOpaque = true;
    for (const [output, { id }] of outputs.entries())
      this.#sources.set(id, { kind: 'op', op: this.#ops.length, output });
    this.#ops.push({ name, attributes, inputs });
  }

  read(): void {
    this.#isOpaque = true;
  }

  /** What was recorded, once the node has put its outputs into the table. */
  recording({ outputs }: ProgramNode, values: ValueTable): NodeRecording | undefined {
    if (this.#isOpaque) return undefined;
    const sources = outputs.flatMap((value) => {
      const tensor = values[value];
      invariant(tensor !== undefined, 'a node that has executed has filled its outputs');
      return this.#sources.get((tensor as TensorFlowTensor).id) ?? [];
    });
    if (sources.length !== outputs.length) return undefined;
    return { ops: this.#ops, made: this.#made, outputs: sources };
  }
}
