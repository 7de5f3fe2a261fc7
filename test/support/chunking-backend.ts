/** A device without a thread on a manual clock: kernels of one float, and chunks that cost less than their nodes. */
import type {
  Chunk,
  ChunkCompiler,
  ChunkRequest,
  DeviceTensor,
  ImmediateBackend,
  PreparedNode,
  ProgramNode,
  ValueTable,
} from '../../scheduler/kernel.js';
import { byteLength, type TensorSpec } from '../../scheduler/tensor.js';
import type { ManualClock } from './manual-clock.js';

interface OneNumber extends DeviceTensor {
  readonly value: number;
}

/** How long things take in milliseconds. */
export interface Durations {
  /** A node by itself. */
  plainMs(node: ProgramNode): number;
  /** A node in a chunk. */
  inChunkMs(node: ProgramNode): number;
  /** The call of a chunk. */
  readonly callMs: number;
}

export class ChunkingBackend implements ImmediateBackend {
  readonly device = 'chunking';
  readonly memory = { liveBytes: 0, peakBytes: 0 };
  readonly chunks: ChunkCompiler;
  /** Chunks that are alive, by the names of their nodes. */
  readonly alive = new Set<readonly string[]>();
  /** Names of what executed: a node, or the nodes of a chunk. */
  readonly executed: (string | readonly string[])[] = [];
  /** Nodes that no chunk can hold, by name. */
  readonly opaque = new Set<string>();
  /** May throw. */
  onCompile: (names: readonly string[]) => void = () => undefined;
  onRun: (name: string) => void = () => undefined;
  readonly #clock: ManualClock;
  readonly #durations: Durations;

  constructor(clock: ManualClock, durations: Durations) {
    this.#clock = clock;
    this.#durations = durations;
    this.chunks = {
      record: (node, values) => {
        this.prepare(node).run(values);
        return this.opaque.has(node.name) ? undefined : { node };
      },
      compile: (request) => this.#compile(request),
    };
  }

  prepare(node: ProgramNode): { run: PreparedNode } {
    return {
      run: (values) => {
        this.onRun(node.name);
        this.executed.push(node.name);
        this.#clock.skip(this.#durations.plainMs(node));
        this.#execute(node, values);
      },
    };
  }

  /** The sum of the inputs and one. */
  #execute(node: ProgramNode, values: ValueTable): void {
    const sum = node.inputs.reduce((total, input) => total + (values[input] as OneNumber).value, 1);
    for (const [index, output] of node.outputs.entries())
      values[output] = this.#make(node.outputSpecs[index]!, sum);
  }

  #make(spec: TensorSpec, value: number): OneNumber {
    this.memory.liveBytes += byteLength(spec);
    return { ...spec, value };
  }

  #compile({ nodes, outputs, constants }: ChunkRequest): Chunk {
    const names = nodes.map(({ node }) => node.name);
    this.onCompile(names);
    const bytes = nodes
      .flatMap(({ node }) => node.inputs)
      .reduce((sum, input) => sum + (constants[input] === undefined ? 0 : byteLength(constants[input])), 0);
    this.alive.add(names);
    this.memory.liveBytes += bytes;
    return {
      run: (values) => {
        this.executed.push(names);
        this.#clock.skip(this.#durations.callMs);
        const inside = values.slice();
        for (const { node } of nodes) {
          this.onRun(node.name);
          this.#clock.skip(this.#durations.inChunkMs(node));
          this.#execute(node, inside);
        }
        for (const output of outputs) values[output] = inside[output];
        for (const { node } of nodes)
          for (const output of node.outputs) if (!outputs.includes(output)) this.release(inside[output]!);
      },
      release: () => {
        if (!this.alive.delete(names)) throw new Error('released twice');
        this.memory.liveBytes -= bytes;
      },
    };
  }

  upload(spec: TensorSpec, bytes: Uint8Array): DeviceTensor {
    return this.#make(spec, new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true));
  }

  read(tensor: DeviceTensor): Uint8Array {
    return new Uint8Array(Float32Array.of((tensor as OneNumber).value).buffer);
  }

  release(tensor: DeviceTensor): void {
    this.memory.liveBytes -= byteLength(tensor);
  }

  close(): void {}
}
