import { describe, expect, it } from 'vitest';
import { createEngine } from '../runtime/create-engine.js';
import { Exchanges } from '../runtime/exchanges.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import type { Place } from '../runtime/slots.js';
import type { DeviceStream } from '../scheduler/device.js';
import { startEngine } from './support/engines.js';

const MIB = 2 ** 20;
const SLOTS = 8;

/** A place whose stream notes which buffers it would keep alive. */
function placeOf(slot: number, known: Map<number, SharedArrayBuffer>): Place {
  const stream = {
    setExchange: (slot: number, buffer: SharedArrayBuffer | undefined) => {
      if (buffer === undefined) known.delete(slot);
      else known.set(slot, buffer);
    },
  } as unknown as DeviceStream;
  return { slot, streams: [stream], giveBack: () => undefined };
}

describe('exchange buffers', () => {
  it('of slots whose runs grow do not creep up: together they keep what the last runs need', () => {
    const exchanges = new Exchanges();
    const known = new Map<number, SharedArrayBuffer>();
    const places = Array.from({ length: SLOTS }, (_, slot) => placeOf(slot, known));
    let most = 0;
    for (let bytes = 4 * MIB; bytes <= 60 * MIB; bytes += 4 * MIB) {
      for (const place of places) exchanges.open(place, bytes);
      expect(exchanges.bytes).toEqual({ used: SLOTS * bytes, held: SLOTS * bytes });
      for (const { slot } of places) exchanges.close(slot);
      expect(exchanges.bytes.used).toBe(0);
      most = Math.max(most, exchanges.bytes.held);
    }
    expect(most).toBeLessThanOrEqual(256 * MIB);
    const held = [...known.values()].reduce((sum, buffer) => sum + buffer.byteLength, 0);
    expect(exchanges.bytes.held).toBe(held);
  });

  it('beyond what is kept go in the order in which their runs left them', () => {
    const exchanges = new Exchanges();
    const known = new Map<number, SharedArrayBuffer>();
    for (const slot of [0, 1, 2, 3, 4]) exchanges.open(placeOf(slot, known), 60 * MIB);
    for (const slot of [4, 3, 2, 1, 0]) exchanges.close(slot);
    expect([...known.keys()]).toEqual([0, 1, 2, 3]);
  });

  it('kept beyond the limit go in the order of their last use, and never under a run', () => {
    const exchanges = new Exchanges();
    const known = new Map<number, SharedArrayBuffer>();
    const use = (slot: number) => {
      exchanges.open(placeOf(slot, known), 60 * MIB);
      exchanges.close(slot);
    };
    exchanges.open(placeOf(0, known), 60 * MIB);
    for (const slot of [1, 2, 3, 4, 1, 5]) use(slot);
    expect([...known.keys()].sort()).toEqual([0, 1, 3, 4, 5]);
    expect(exchanges.bytes).toEqual({ used: 60 * MIB, held: 300 * MIB });
    exchanges.close(0);
    expect(exchanges.bytes).toEqual({ used: 0, held: 240 * MIB });
    expect([...known.keys()].sort()).toEqual([0, 1, 4, 5]);
  });

  it('larger than what is kept go with their run, on every stream', () => {
    const exchanges = new Exchanges();
    const known = new Map<number, SharedArrayBuffer>();
    exchanges.open(placeOf(0, known), 65 * MIB);
    exchanges.close(0);
    expect([exchanges.bytes.held, known.size]).toEqual([0, 0]);
  });

  it('show in stats(), used and kept', async () => {
    const engine = await startEngine({ device: 'virtual', virtual: { compute: true } });
    const builder = new GraphBuilder();
    const x = builder.input('x', { dtype: 'float32', shape: [MIB] });
    builder.output('y', builder.kernel('Neg', { x }));
    const executable = await engine.compile(builder.build());
    const used: number[] = [];
    engine.on('run:dispatched', () => used.push(engine.stats().bytes.live));
    await executable.run({ x: new Float32Array(MIB) });
    expect(used).toEqual([4 * MIB]);
    expect(engine.stats().bytes).toMatchObject({ live: 0, exchange: 4 * MIB });
  });
});

describe('tensors without elements', () => {
  it('are fed, returned by host nodes and put out like others, alone and on several streams', async () => {
    const spec = { dtype: 'float32', shape: [0, 3] } as const;
    const builder = new GraphBuilder();
    const x = builder.input('x', spec);
    builder.output('fed', x);
    const { y } = builder.host('host', {
      inputs: { x },
      outputs: { y: spec },
      run: () => ({ y: new Float32Array(0) }),
    });
    builder.output('hosted', y);
    builder.output('y', builder.kernel('Reshape', { x: y }, { shape: [3, 0] }));
    await using engine = await createEngine({ streams: 2 });
    for (const streams of [1, 2]) {
      const placement = ({ index }: { readonly index: number }) => index % streams;
      const executable = await engine.compile(builder.build(), { placement });
      const { outputs } = await executable.run({ x: new Float32Array(0) });
      expect(Object.values(outputs).map(({ data }) => data.length)).toEqual([0, 0, 0]);
    }
    expect(engine.stats()).toMatchObject({ bytes: { live: 0 }, runs: { completed: 2 } });
  });
});
