/** Every way to break the contract of chunks that we could think of is found by a check. */
import { expect, it } from 'vitest';
import { runDeviceChecks } from '../runtime/device-testing.js';
import { type ChunkingReference, createChunkingReference, wrapChunks } from './support/chunking-reference.js';

type Spoil = (backend: ChunkingReference) => void;

const failedOf = async (spoil: Spoil): Promise<string[]> => {
  const create: typeof createChunkingReference = (options) => {
    const backend = createChunkingReference(options);
    spoil(backend);
    return backend;
  };
  const results = await runDeviceChecks(create, {}, () => undefined);
  return results.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);
};

const addBytes = ({ memory }: ChunkingReference, bytes: number): void => {
  Object.assign(memory, { liveBytes: memory.liveBytes + bytes, peakBytes: 1e9 });
};

const VALUES = 'chunks: give what their nodes give, run after run';
const CONSTANTS = 'chunks: constants count while the chunk holds them';
const TWO = 'chunks: one is released, another goes on';
const RUN_LIMIT = 'chunks: a run beyond the limit is refused and leaves nothing';
const COMPILE_LIMIT = 'chunks: one whose constants do not fit is refused and leaves nothing';
const CLOSE = 'chunks: close() frees them';

const MUTANTS: readonly (readonly [what: string, foundBy: string, spoil: Spoil])[] = [
  [
    'recording leaves nothing in the table',
    VALUES,
    ({ chunks }) => {
      chunks.record = () => ({});
    },
  ],
  [
    'the last node is left out',
    VALUES,
    (backend) =>
      wrapChunks(backend, (chunk, { nodes }) => ({
        ...chunk,
        run: (values) => {
          const [first, last] = [nodes[0]!.node, nodes.at(-1)!.node];
          backend.prepare({ ...first, outputs: last.outputs }).run(values);
        },
      })),
  ],
  [
    'what is inside gets into the table',
    VALUES,
    (backend) =>
      wrapChunks(backend, (chunk, { nodes }) => ({
        ...chunk,
        run: (values) => {
          for (const { node } of nodes) backend.prepare(node).run(values);
        },
      })),
  ],
  [
    'a run returns a promise',
    VALUES,
    (backend) => wrapChunks(backend, (chunk) => ({ ...chunk, run: async (values) => chunk.run(values) })),
  ],
  [
    'constants stay when the chunk is released',
    CONSTANTS,
    (backend) => wrapChunks(backend, (chunk) => ({ ...chunk, release: () => undefined })),
  ],
  [
    'a part of the constants is counted',
    CONSTANTS,
    (backend) =>
      wrapChunks(backend, (chunk) => {
        addBytes(backend, -1);
        return chunk;
      }),
  ],
  [
    'a release takes all chunks away',
    TWO,
    (backend) => {
      let released = false;
      wrapChunks(backend, (chunk) => ({
        run: (values) => {
          if (released) throw new Error('no such model');
          chunk.run(values);
        },
        release: () => {
          released = true;
          chunk.release();
        },
      }));
    },
  ],
  [
    'a refused run is counted',
    RUN_LIMIT,
    (backend) =>
      wrapChunks(backend, (chunk) => ({
        ...chunk,
        run: (values) => {
          try {
            chunk.run(values);
          } catch (error) {
            addBytes(backend, 1);
            throw error;
          }
        },
      })),
  ],
  [
    'a refused run leaves outputs in the table',
    RUN_LIMIT,
    (backend) =>
      wrapChunks(backend, (chunk, { outputs }) => ({
        ...chunk,
        run: (values) => {
          try {
            chunk.run(values);
          } catch (error) {
            values[outputs[0]!] = values[0];
            throw error;
          }
        },
      })),
  ],
  [
    'a refused run has no code',
    RUN_LIMIT,
    (backend) =>
      wrapChunks(backend, (chunk) => ({
        ...chunk,
        run: (values) => {
          try {
            chunk.run(values);
          } catch {
            throw new Error('no room');
          }
        },
      })),
  ],
  [
    'refused constants are counted',
    COMPILE_LIMIT,
    (backend) => {
      const { compile } = backend.chunks;
      backend.chunks.compile = (request) => {
        try {
          return compile(request);
        } catch (error) {
          addBytes(backend, 1);
          throw error;
        }
      };
    },
  ],
  [
    'refused constants have no code',
    COMPILE_LIMIT,
    (backend) => {
      const { compile } = backend.chunks;
      backend.chunks.compile = (request) => {
        try {
          return compile(request);
        } catch {
          throw new Error('no room');
        }
      };
    },
  ],
  [
    'chunks outlive the device',
    CLOSE,
    (backend) => {
      let chunks = 0;
      wrapChunks(backend, (chunk) => {
        chunks++;
        return {
          ...chunk,
          release: () => {
            chunks--;
            chunk.release();
          },
        };
      });
      const close = backend.close.bind(backend);
      backend.close = () => {
        close();
        addBytes(backend, chunks);
      };
    },
  ],
];

it('a device that keeps to the contract passes', async () => {
  expect(await failedOf(() => undefined)).toEqual([]);
});

it.each(MUTANTS)('a device is found out: %s (%s)', async (_what, foundBy, spoil) => {
  expect(await failedOf(spoil)).toContain(foundBy);
});
