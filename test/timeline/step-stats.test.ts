import { describe, expect, it } from 'vitest';
import { stepStats } from '../../runtime/timeline/step-stats.js';
import { startEngine } from '../support/engines.js';
import { B_APART, chain, diamond, timelineOf } from '../support/timelines.js';

const virtual = { kernelMs: () => 1 };

describe("statistics in TensorFlow's terms", () => {
  it('tell when each node was scheduled, started and ended, in whole microseconds, and its memory', async () => {
    const engine = await startEngine({ device: 'virtual', virtual });
    const { dev_stats } = stepStats(await timelineOf(await engine.compile(chain(2))));
    expect(dev_stats).toMatchObject([{ device: '/device:virtual:0' }]);
    const float4 = {
      dtype: 'DT_FLOAT',
      shape: { dim: [{ size: 4 }] },
      allocation_description: { requested_bytes: 16 },
    };
    expect(dev_stats[0]!.node_stats[0]).toEqual({
      node_name: 'n0',
      scheduled_micros: 15,
      all_start_micros: 25,
      op_start_rel_micros: 0,
      op_end_rel_micros: 1000,
      all_end_rel_micros: 1000,
      memory: [{ allocator_name: 'virtual', allocator_bytes_in_use: expect.any(Number) as number }],
      output: [{ slot: 0, tensor_description: float4 }],
      timeline_label: 'n0 = Neg([4])',
      thread_id: 0,
    });
  });

  it('are grouped by stream, the main thread first', async () => {
    const engine = await startEngine({ streams: 2 });
    const timeline = await timelineOf(await engine.compile(diamond(), { placement: B_APART }));
    const { dev_stats } = stepStats(timeline);
    expect(dev_stats.map(({ device }) => device)).toEqual(['/host:main', '/device:wasm:0', '/device:wasm:1']);
    expect(dev_stats[1]!.node_stats.map(({ node_name }) => node_name)).toEqual(['first', 'a', 'sum', 'last']);
    expect(JSON.parse(JSON.stringify({ dev_stats }))).toEqual({ dev_stats });
  });
});
