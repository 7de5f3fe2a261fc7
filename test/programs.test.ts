import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../runtime/graph-builder.js';
import { loadPrograms, unloadPrograms } from '../runtime/programs.js';
import { curfewError } from '../scheduler/errors.js';
import type { Plan } from '../scheduler/plan.js';
import { planGraph } from '../scheduler/plan-graph.js';
import type { StreamProgram } from '../scheduler/program.js';
import { rejection } from './support/catch-error.js';
import { type FakeStream, fakeStreams } from './support/fake-stream.js';

const KEY = 10;

/** A chain of one node per lane, each with a constant of its own. */
function chain(lanes: number, streams: number): Plan {
  const builder = new GraphBuilder();
  const spec = { dtype: 'float32', shape: [1] } as const;
  let value = builder.input('x', spec);
  for (let lane = 0; lane < lanes; lane++) {
    const b = builder.constant(`c${lane}`, { ...spec, data: Float32Array.of(lane) });
    value = builder.kernel('Add', { a: value, b }, {}, { name: `n${lane}` });
  }
  builder.output('y', value);
  const lane = ({ name }: { readonly name: string }) => Number(name.slice(1));
  return planGraph(builder.build(), { streams, placement: lane });
}

const keysOf = (streams: readonly FakeStream[]) => streams.map(({ loaded }) => [...loaded.keys()]);
const fallbackOf = ({ steps }: StreamProgram) =>
  steps.map(({ node: { name, op } }) => ({ node: name, op, device: 'cpu' }));

describe('the programs of a plan', () => {
  it('are sent to the streams that may execute them, each under a key of its own', async () => {
    const streams = fakeStreams(4);
    const plan = chain(3, 4);
    await loadPrograms(plan, KEY, streams);
    expect(keysOf(streams)).toEqual([[KEY], [KEY, KEY + 1], [KEY + 1, KEY + 2], [KEY + 2]]);
    for (const { loaded } of streams)
      for (const [key, program] of loaded) expect(program).toBe(plan.programs[key - KEY]);
    unloadPrograms(plan, KEY, streams);
    expect(keysOf(streams)).toEqual([[], [], [], []]);
  });

  it('are sent to every stream when the plan has one lane', async () => {
    const streams = fakeStreams(3);
    await loadPrograms(chain(1, 3), KEY, streams);
    expect(keysOf(streams)).toEqual([[KEY], [KEY], [KEY]]);
  });

  it('are kept nowhere when one of them is refused', async () => {
    const streams = fakeStreams(3);
    const plan = chain(2, 3);
    streams[2]!.onLoad = () => {
      throw curfewError('OUT_OF_MEMORY', 'full');
    };
    expect(await rejection(loadPrograms(plan, KEY, streams))).toMatchObject({ code: 'OUT_OF_MEMORY' });
    expect(keysOf(streams)).toEqual([[], [], []]);
  });

  it('name each node that falls back once, though several streams may execute it', async () => {
    const streams = fakeStreams(4);
    for (const stream of streams) stream.onLoad = fallbackOf;
    const fallbacks = await loadPrograms(chain(3, 4), KEY, streams);
    expect(fallbacks.map(({ node }) => node)).toEqual(['n0', 'n1', 'n2']);
  });

  it('need no stream that is broken, or breaks meanwhile, as long as a run finds enough others', async () => {
    const streams = fakeStreams(4);
    for (const stream of streams) stream.onLoad = fallbackOf;
    streams[0]!.break();
    streams[2]!.onLoad = () => {
      streams[2]!.break();
      throw streams[2]!.broken;
    };
    const fallbacks = await loadPrograms(chain(2, 4), KEY, streams);
    expect(fallbacks.map(({ node }) => node)).toEqual(['n0', 'n1']);
    expect(await rejection(loadPrograms(chain(3, 4), KEY + 3, streams))).toMatchObject({
      code: 'DEVICE_LOST',
    });
    expect([streams[1]!, streams[3]!].map(({ loaded }) => [...loaded.keys()])).toEqual([
      [KEY, KEY + 1],
      [KEY + 1],
    ]);
  });
});
