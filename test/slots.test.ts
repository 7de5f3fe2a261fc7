import { describe, expect, it } from 'vitest';
import { type Place, SlotTable } from '../runtime/slots.js';
import { thrown } from './support/catch-error.js';
import { fakeStreams } from './support/fake-stream.js';

const ignore = () => undefined;
const indices = ({ streams }: Place) => streams.map(({ index }) => index);

describe('a place', () => {
  it('is on the least busy free streams, lane by lane in the order of their indices', () => {
    const streams = fakeStreams(4);
    const table = new SlotTable(streams, 2);
    expect(indices(table.take(1, ignore))).toEqual([0]);
    expect(indices(table.take(2, ignore))).toEqual([1, 2]);
    expect(indices(table.take(2, ignore))).toEqual([0, 3]);
    streams[3]!.available = false;
    expect(indices(table.take(2, ignore))).toEqual([1, 2]);
    expect(table.room).toEqual({ free: 0, serving: 3, lasting: 4 });
    expect([0, 1, 2, 3].map((stream) => table.inFlight(stream))).toEqual([2, 2, 2, 1]);
  });

  it('has a slot of its own until it is given back, once', () => {
    const table = new SlotTable(fakeStreams(2), 2);
    const places = [1, 2, 1].map((lanes) => table.take(lanes, ignore));
    expect(new Set(places.map(({ slot }) => slot)).size).toBe(3);
    expect(table.room.free).toBe(0);
    for (const place of places) place.giveBack();
    expect(table.room.free).toBe(2);
    expect(thrown(() => places[0]!.giveBack())).toMatchObject({ code: 'INTERNAL' });
    expect(table.room.free).toBe(2);
  });

  it('tells when it is free again', () => {
    const table = new SlotTable(fakeStreams(1), 1);
    const seen: number[] = [];
    table.take(1, () => seen.push(table.room.free)).giveBack();
    expect(seen).toEqual([1]);
  });

  it('is refused when fewer streams will ever be free than it takes', () => {
    const streams = fakeStreams(3);
    const table = new SlotTable(streams, 1);
    streams[1]!.break();
    expect(table.room).toEqual({ free: 2, serving: 2, lasting: 2 });
    expect(thrown(() => table.take(3, ignore))).toMatchObject({
      code: 'DEVICE_LOST',
      message: '2 of 3 streams left to run on: stream 1 broke',
      cause: streams[1]!.broken,
    });
    expect(indices(table.take(2, ignore))).toEqual([0, 2]);
  });
});
