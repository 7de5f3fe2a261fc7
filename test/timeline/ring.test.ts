import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { RecordRing } from '../../scheduler/record-ring.js';
import { RECORD_KIND } from '../../scheduler/timeline-record.js';

const BUILT = new URL('../../dist/scheduler/record-ring.js', import.meta.url).href;

function fill(ring: RecordRing, from: number, to: number): void {
  for (let id = from; id < to; id++) ring.write(RECORD_KIND.node, 1, id, id, id + 0.5, 2 * id);
}

const idsOf = (ring: RecordRing, from?: number): number[] => ring.read(from).records.map(({ id }) => id);

describe('a ring of records', () => {
  it('gives back what was written, in order', () => {
    const ring = RecordRing.create(8);
    ring.write(RECORD_KIND.copyIn, 3, 7, 1.25, 2.5, 64);
    ring.write(RECORD_KIND.stop, 3, 9, 3, 3, 0);
    expect(ring.read()).toEqual({
      records: [
        { kind: 'copyIn', run: 3, id: 7, startMs: 1.25, endMs: 2.5, value: 64 },
        { kind: 'stop', run: 3, id: 9, startMs: 3, endMs: 3, value: 0 },
      ],
      dropped: 0,
    });
  });

  it('keeps as many as asked for, and then overwrites the oldest and says how many', () => {
    const ring = RecordRing.create(7);
    fill(ring, 0, 7);
    expect(ring.read()).toMatchObject({ dropped: 0 });
    expect(idsOf(ring)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    fill(ring, 7, 20);
    expect(idsOf(ring)).toEqual([13, 14, 15, 16, 17, 18, 19]);
    expect(ring.read().dropped).toBe(13);
  });

  it('is read from a place on, and counts only what is missing from there', () => {
    const ring = RecordRing.create(7);
    fill(ring, 0, 20);
    expect(idsOf(ring, 17)).toEqual([17, 18, 19]);
    expect(ring.read(17).dropped).toBe(0);
    expect(ring.read(10).dropped).toBe(3);
  });

  it('is copied to another, from a place on', () => {
    const [ring, other] = [RecordRing.create(7), RecordRing.create(15)];
    fill(ring, 0, 10);
    ring.copyTo(other, 8);
    expect(idsOf(other)).toEqual([8, 9]);
    expect(other.read().records[0]).toEqual(ring.read(8).records[0]);
  });

  it('is empty after clear()', () => {
    const ring = RecordRing.create(7);
    fill(ring, 0, 20);
    ring.clear();
    expect(ring.read()).toEqual({ records: [], dropped: 0 });
  });

  it('is read by one thread what another has written', async () => {
    const ring = RecordRing.create(1000);
    const code = `
      import { RecordRing } from '${BUILT}';
      import { workerData } from 'node:worker_threads';
      const ring = new RecordRing(workerData);
      for (let id = 0; id < 900; id++) ring.write(${RECORD_KIND.node}, 1, id, id, id, id);
      ring.publish();`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
      workerData: ring.buffer,
    });
    await new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject));
    expect(idsOf(ring)).toEqual(Array.from({ length: 900 }, (_, id) => id));
  });
});
