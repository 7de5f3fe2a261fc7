import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../runtime/graph-builder.js';
import { firstOtherThanBool } from '../scheduler/bool-bytes.js';
import { rejection, runRejection, thrown } from './support/catch-error.js';
import { startEngine } from './support/engines.js';

const SPEC = { dtype: 'bool', shape: [3] } as const;
const OTHER = 'expected 0 or 1 for dtype bool, received 255 at element 1';

describe('a bool that is neither 0 nor 1', () => {
  it('is found wherever it stands', () => {
    const memory = new Uint8Array(200);
    for (const length of [0, 1, 5, 63, 64, 65, 66, 67, 130]) {
      for (let offset = 0; offset < 8; offset++) {
        // What stands beside the array does not count.
        memory.fill(255);
        const bytes = memory.subarray(offset, offset + length);
        bytes.forEach((_, index) => {
          bytes[index] = index & 1;
        });
        expect(firstOtherThanBool(bytes)).toBe(-1);
        for (let place = 0; place < length; place++) {
          bytes[place] = 2 + ((place * 7) % 254);
          expect(firstOtherThanBool(bytes), `${length} bytes from ${offset}`).toBe(place);
          bytes[place] = 1;
        }
      }
    }
  });

  it('is found at the first of several places', () => {
    const bytes = new Uint8Array(100);
    bytes[70] = 128;
    bytes[99] = 2;
    expect(firstOtherThanBool(bytes)).toBe(70);
  });

  it('is refused in a feed, bare or as a tensor', async () => {
    const engine = await startEngine();
    const builder = new GraphBuilder();
    builder.output('y', builder.kernel('LogicalNot', { x: builder.input('x', SPEC) }));
    const executable = await engine.compile(builder.build());
    const data = Uint8Array.of(1, 255, 0);
    for (const x of [data, { ...SPEC, data }]) {
      const error = await rejection(executable.run({ x }));
      expect(error).toMatchObject({ code: 'INVALID_FEED', expected: [0, 1], received: 255 });
      expect(error.message).toBe(`feed "x": ${OTHER}`);
    }
    const { outputs } = await executable.run({ x: Uint8Array.of(1, 0, 0) });
    expect([...outputs['y']!.data]).toEqual([0, 1, 1]);
  });

  it('is refused in a constant', () => {
    const error = thrown(() => new GraphBuilder().constant('c', { ...SPEC, data: Uint8Array.of(0, 255, 0) }));
    expect(error).toMatchObject({ code: 'INVALID_GRAPH', message: expect.stringContaining(OTHER) });
  });

  it('is refused in what a host node returns', async () => {
    const engine = await startEngine();
    const builder = new GraphBuilder();
    const { h } = builder.host('host', {
      outputs: { h: SPEC },
      run: async () => ({ h: Uint8Array.of(0, 255, 0) }),
    });
    builder.output('y', builder.kernel('LogicalNot', { x: h }));
    const executable = await engine.compile(builder.build());
    const error = await runRejection(executable.run({}));
    expect(error).toMatchObject({ code: 'HOST_NODE_FAILED', node: 'host', received: 255 });
    expect(error.message).toContain(OTHER);
  });
});
