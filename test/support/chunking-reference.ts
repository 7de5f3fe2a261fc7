/** The reference device with chunks that execute node by node, and ways to break their contract. */
import { createReferenceBackend } from '../../kernels/reference/backend.js';
import type {
  BackendOptions,
  Chunk,
  ChunkCompiler,
  ChunkRequest,
  ImmediateBackend,
  ValueTable,
} from '../../scheduler/kernel.js';

/** What executes several nodes as one call. */
export interface ChunkingReference extends ImmediateBackend {
  readonly chunks: { -readonly [Name in keyof ChunkCompiler]: ChunkCompiler[Name] };
}

function runInside(backend: ImmediateBackend, { nodes, outputs }: ChunkRequest, values: ValueTable): void {
  const inside = values.slice();
  const releaseAllBut = (kept: readonly number[]) => {
    for (const value of nodes.flatMap(({ node }) => node.outputs))
      if (inside[value] !== undefined && !kept.includes(value)) backend.release(inside[value]);
  };
  try {
    for (const { node } of nodes) backend.prepare(node).run(inside);
  } catch (error) {
    releaseAllBut([]);
    throw error;
  }
  releaseAllBut(outputs);
  for (const output of outputs) values[output] = inside[output];
}

export function createChunkingReference(options: BackendOptions): ChunkingReference {
  const backend = createReferenceBackend(options);
  const compile = (request: ChunkRequest): Chunk => {
    const inputs = new Set(request.nodes.flatMap(({ node }) => node.inputs));
    const held = [...inputs].flatMap((input) => {
      const constant = request.constants[input];
      return constant === undefined ? [] : [backend.upload(constant, backend.read(constant) as Uint8Array)];
    });
    return {
      run: (values) => runInside(backend, request, values),
      release: () => {
        for (const constant of held) backend.release(constant);
      },
    };
  };
  const record: ChunkCompiler['record'] = (node, values) => {
    backend.prepare(node).run(values);
    return {};
  };
  return Object.assign(backend, { chunks: { record, compile } });
}

/** Changes the chunks that the device makes. */
export function wrapChunks(
  backend: ChunkingReference,
  wrap: (chunk: Chunk, request: ChunkRequest) => Chunk,
): void {
  const { compile } = backend.chunks;
  backend.chunks.compile = (request) => wrap(compile(request), request);
}
