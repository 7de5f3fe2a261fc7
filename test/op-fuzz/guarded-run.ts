/** Runs one node between watched neighbors: whatever it writes beyond its outputs shows. */

import type { DeviceTensor, ImmediateBackend } from '../../scheduler/kernel.js';
import { allocateData, type Tensor, type TensorSpec } from '../../scheduler/tensor.js';
import { programNode, readFrom, runPrepared, type SingleNode, uploadTo } from '../support/one-node.js';

/** What stands in the bytes beside the tensors of a node. */
export const CANARY = Uint8Array.from({ length: 64 }, (_, index) => 0xa5 ^ index);

/** How a node's run ended. */
export type Ending =
  | { readonly kind: 'completed'; readonly outputs: readonly Tensor[]; readonly again: readonly Tensor[] }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Something that must not happen whatever a node is given. */
export class Damage extends Error {
  override readonly name = 'Damage';
}

class Neighborhood {
  readonly #backend: ImmediateBackend;
  readonly #held: DeviceTensor[] = [];
  readonly #watched: [what: string, tensor: DeviceTensor, bytes: Uint8Array][] = [];

  constructor(backend: ImmediateBackend) {
    this.#backend = backend;
  }

  /** Uploads a tensor that must stay as it is, and a neighbor behind it. */
  watch(what: string, tensor: Tensor): DeviceTensor {
    const uploaded = this.#hold(uploadTo(this.#backend, tensor));
    this.#watched.push([what, uploaded, this.#backend.read(uploaded).slice()]);
    this.guard(`the bytes behind ${what}`);
    return uploaded;
  }

  guard(what: string): void {
    // Not as bools, of which a device may keep no more than whether they are 0.
    const spec = { dtype: 'int32', shape: [CANARY.length / 4] } as const;
    const guard = this.#hold(this.#backend.upload(spec, CANARY));
    this.#watched.push([what, guard, CANARY]);
  }

  /** Leaves holes of the outputs' sizes between neighbors: the allocator takes those first. */
  makeRoomFor(outputs: readonly TensorSpec[]): void {
    const holes = outputs.map((output, index) => {
      const { dtype, shape } = output;
      const hole = uploadTo(this.#backend, {
        dtype,
        shape,
        data: allocateData(
          dtype,
          shape.reduce((a, b) => a * b, 1),
        ),
      });
      this.guard(`the bytes behind output ${index}`);
      return hole;
    });
    for (const hole of holes) this.#backend.release(hole);
  }

  check(): void {
    for (const [what, tensor, bytes] of this.#watched) {
      if (Buffer.compare(this.#backend.read(tensor), bytes) !== 0) throw new Damage(`${what} have changed`);
    }
  }

  release(): void {
    for (const tensor of this.#held) this.#backend.release(tensor);
  }

  #hold(tensor: DeviceTensor): DeviceTensor {
    this.#held.push(tensor);
    return tensor;
  }
}

function readAll(backend: ImmediateBackend, results: readonly DeviceTensor[]): Tensor[] {
  try {
    return results.map((result) => readFrom(backend, result));
  } finally {
    for (const result of results) backend.release(result);
  }
}

/**
 * Runs a node twice: a cache that the first run fills must not change the second.
 *
 * @throws Damage when bytes of an input or of a neighbor change, or when memory is not given back to the byte
 */
export function runGuarded(
  backend: ImmediateBackend,
  node: SingleNode,
  inputs: Readonly<Record<string, Tensor>>,
): Ending {
  const before = backend.memory.liveBytes;
  const neighborhood = new Neighborhood(backend);
  neighborhood.guard('the bytes before the inputs');
  const uploaded = Object.entries(inputs).map(([name, input]) => neighborhood.watch(`input ${name}`, input));
  neighborhood.makeRoomFor(node.outputs);
  const ending = attempt(() => {
    const prepared = backend.prepare(programNode(node));
    const [outputs, again] = [0, 1].map(() =>
      readAll(backend, runPrepared(prepared, uploaded, node.outputs.length)),
    );
    return { outputs: outputs!, again: again! };
  });
  neighborhood.check();
  neighborhood.release();
  const after = backend.memory.liveBytes;
  if (after !== before) throw new Damage(`${after} bytes are live where there were ${before}`);
  return ending;
}

function attempt(run: () => Omit<Ending & { kind: 'completed' }, 'kind'>): Ending {
  try {
    return { kind: 'completed', ...run() };
  } catch (error) {
    return { kind: 'failed', error };
  }
}
