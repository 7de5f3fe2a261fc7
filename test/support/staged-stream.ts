/** A stream on fake threads: the test plays its threads. */
import { createClaims } from '../../kernels/stream-worker/claims.js';
import { HostedStream } from '../../kernels/stream-worker/hosted-stream.js';
import { createMemoryWords } from '../../kernels/stream-worker/memory-words.js';
import { GraphBuilder } from '../../runtime/graph-builder.js';
import { planGraph } from '../../scheduler/plan-graph.js';
import type { StreamEvent } from '../../scheduler/stream.js';
import { FakeThread } from './fake-threads.js';

const SLOTS = 3;
export const NO_CONSTANTS = new SharedArrayBuffer(0);

function onePlan() {
  const builder = new GraphBuilder();
  const x = builder.input('x', { dtype: 'float32', shape: [1] });
  builder.output('y', builder.kernel('Neg', { x }));
  return planGraph(builder.build(), { streams: 1, placement: 'single' });
}

/** One segment of one node. */
export const program = onePlan().programs[0]!;

/** A stream on fake threads; `refusing` makes starting one throw. */
export function startStream() {
  const claims = createClaims(SLOTS);
  const memory = createMemoryWords();
  const threads: FakeThread[] = [];
  const stage = { refusing: false, replaced: [] as string[], told: [] as (StreamEvent & { slot: number })[] };
  const stream = new HostedStream(
    {
      index: 0,
      claims,
      memory,
      memoryLimitBytes: undefined,
      start: (events) => {
        if (stage.refusing) throw new Error('no more threads');
        threads.push(new FakeThread(events));
        return threads.at(-1)!;
      },
    },
    { onChange: () => undefined, onReplaced: ({ message }) => stage.replaced.push(message) },
  );
  const open = (slot: number, key = 0) => {
    const onEvent = (event: StreamEvent) => stage.told.push({ ...event, slot });
    stream.open({ slot, program: key, mode: { kind: 'node' }, timeline: undefined, onEvent });
    stream.submit(slot, 0);
  };
  return Object.assign(stage, { stream, threads, claims, memory, open, thread: () => threads.at(-1)! });
}

export type Stage = ReturnType<typeof startStream>;

/** Loads a program, as a first load. */
export async function load({ stream, thread }: Stage, key = 0): Promise<void> {
  const loading = stream.load(key, program, NO_CONSTANTS);
  thread().tell({ type: 'loaded', key, fallbacks: [] });
  await loading;
}

/** A stream that is ready, with program 0. */
export async function startLoaded(): Promise<Stage> {
  const stage = startStream();
  stage.thread().tell({ type: 'ready' });
  await load(stage);
  return stage;
}
