/** The values of a run that the main thread has: feeds, constants, what host nodes and streams have given it. */
import { curfewError, invariant } from './errors.js';
import type { Graph, HostNode, ValueId } from './graph.js';
import type { Plan } from './plan.js';
import type { ExportedValue } from './stream.js';
import { bytesOf, copyData, elementCount, type Tensor, type TensorData, viewData } from './tensor.js';

/** @throws INVALID_FEED for one whose buffer was transferred away, or resized, since the call */
export function checkStays(graph: Graph, value: ValueId, data: TensorData): void {
  const { shape, producer } = graph.values[value]!;
  const expected = elementCount(shape);
  if (data.length === expected) return;
  const { name } = graph.nodes[producer]!;
  throw curfewError(
    'INVALID_FEED',
    `feed "${name}": expected its ${expected} elements to stay until the run has settled, received a buffer that was transferred or resized`,
    { expected, received: data.length },
  );
}

export class MainValues {
  readonly #plan: Plan;
  /** Where streams read what the main thread provides. */
  readonly #exchange: Uint8Array;
  readonly #values = new Map<ValueId, TensorData>();

  constructor(plan: Plan, exchange: Uint8Array) {
    this.#plan = plan;
    this.#exchange = exchange;
    for (const { value, data } of plan.mainConstants) this.#values.set(value, data);
  }

  get all(): ReadonlyMap<ValueId, TensorData> {
    return this.#values;
  }

  /**
   * Takes the feeds. Returns their bytes.
   *
   * @throws INVALID_FEED for one whose buffer was transferred away while the run waited
   */
  provideFeeds(feeds: ReadonlyMap<ValueId, TensorData>): number {
    let bytes = 0;
    for (const [value, data] of feeds) {
      checkStays(this.#plan.graph, value, data);
      this.#provide(value, data);
      bytes += data.byteLength;
    }
    return bytes;
  }

  /** Takes what a host node returned: copies that are nobody else's. */
  provideHostOutputs(node: HostNode, outputs: readonly TensorData[]): void {
    for (const [index, value] of node.outputs.entries()) this.#provide(value, outputs[index]!);
  }

  /** A value for host nodes, for the caller, and for the streams that read it. */
  #provide(value: ValueId, data: TensorData): void {
    this.#values.set(value, data);
    const entry = this.#plan.exchange.get(value);
    if (entry !== undefined) this.#exchange.set(bytesOf(data), entry.byteOffset);
  }

  /** Takes what a stream has copied out. */
  collect(outputs: readonly ExportedValue[]): void {
    for (const { value, buffer } of outputs) {
      this.#values.set(value, viewData(this.#plan.graph.values[value]!, buffer));
    }
  }

  /**
   * A host node's own copies of its inputs.
   *
   * @throws OUT_OF_MEMORY; INVALID_FEED as `checkStays`
   */
  inputsOf(node: HostNode): Record<string, Tensor> {
    const inputs: Record<string, Tensor> = Object.create(null);
    for (const [index, name] of node.inputNames.entries()) {
      const { id, dtype, shape } = this.#plan.graph.values[node.inputs[index]!]!;
      const data = this.#values.get(id);
      invariant(data !== undefined, `input ${name} of host node ${node.name} is there when the node starts`);
      checkStays(this.#plan.graph, id, data);
      inputs[name] = {
        dtype,
        shape,
        data: copyData(dtype, data, `input "${name}" of host node "${node.name}"`, node.name),
      };
    }
    return inputs;
  }
}
