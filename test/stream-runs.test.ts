import { beforeEach, describe, expect, it } from 'vitest';
import { beginSegment, createClaims } from '../kernels/stream-worker/claims.js';
import type { SegmentEnd, ToStream } from '../kernels/stream-worker/protocol.js';
import { StreamRuns } from '../kernels/stream-worker/stream-runs.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import type { ErrorRecord } from '../scheduler/errors.js';
import { planGraph } from '../scheduler/plan-graph.js';
import type { StreamEvent } from '../scheduler/stream.js';
import { nextTurn } from './support/until.js';

const SPEC = { dtype: 'float32', shape: [1] } as const;
const LOST: ErrorRecord = { code: 'DEVICE_LOST', message: 'it died' };
const REFUSAL: ErrorRecord = { code: 'OUT_OF_MEMORY', message: 'no room' };

/** Two segments, with a host node between them. */
function twoSegments() {
  const builder = new GraphBuilder();
  const first = builder.kernel('Neg', { x: builder.input('x', SPEC) });
  const { y } = builder.host('host', { inputs: { first }, outputs: { y: SPEC }, run: () => ({}) });
  builder.output('y', builder.kernel('Neg', { x: y }));
  return planGraph(builder.build(), { streams: 1, placement: 'single' }).programs[0]!;
}

const program = twoSegments();
let claims: Int32Array;
let posted: ToStream[];
let told: string[];
let refusal: ErrorRecord | undefined;
let occupied: boolean;
let runs: StreamRuns;

beforeEach(() => {
  claims = createClaims(3);
  posted = [];
  told = [];
  refusal = undefined;
  occupied = false;
  runs = new StreamRuns({
    claims,
    post: (message) => posted.push(message),
    program: () => program,
    refusal: () => refusal,
    isOccupied: () => occupied,
    onLeft: () => undefined,
  });
});

function open(slot: number, name = `run ${slot}`): void {
  const onEvent = (event: StreamEvent) =>
    told.push(
      event.kind === 'segment' ? `${name}: ${event.segment} ${event.status}` : `${name}: ${event.kind}`,
    );
  runs.open({ slot, program: 0, mode: { kind: 'node' }, timeline: undefined, onEvent });
}

/** The thread begins the segment that was sent first and not begun yet. */
function begin(): ToStream & { type: 'segment' } {
  for (const message of posted)
    if (message.type === 'segment' && beginSegment(claims, message.slot, message.ticket)) return message;
  throw new Error('nothing is left to begin');
}

function end({ slot, segment }: { slot: number; segment: number }, status: SegmentEnd['status']): void {
  const how = { status, nodesCompleted: 0, stoppedBefore: undefined, error: undefined, endedMs: undefined };
  runs.onSegment({ type: 'segment', slot, segment, outputs: [], defunct: false, ...how });
}

/** A run that has a value on the thread, and is told to leave. */
function leave(slot: number) {
  open(slot);
  runs.submit(slot, 0);
  end(begin(), 'completed');
  return runs.close(slot, false);
}

async function hasLeft({ done }: { readonly done: Promise<void> }): Promise<boolean> {
  let left = false;
  void done.then(() => {
    left = true;
  });
  await nextTurn();
  return left;
}

describe('a run that leaves values behind', () => {
  it('has left when the thread says so', async () => {
    const leaving = leave(0);
    expect(posted.at(-1)).toEqual({ type: 'close', slot: 0, acknowledge: true });
    expect([await hasLeft(leaving), runs.isEmpty]).toEqual([false, false]);
    runs.forget(0);
    expect([await hasLeft(leaving), runs.isEmpty]).toEqual([true, true]);
  });

  it.each([true, false])(
    'has left when the thread ends (replaced: %s), and is told nothing',
    async (replaced) => {
      const leaving = leave(0);
      told = [];
      runs.onThreadEnd(replaced).finish(LOST);
      expect([await hasLeft(leaving), told, runs.isEmpty]).toEqual([true, [], true]);
    },
  );

  it('leaves behind others while the thread is busy with them, or occupied, and not otherwise', () => {
    expect(leave(0).behindOthers).toBe(false);
    occupied = true;
    expect(leave(1).behindOthers).toBe(true);
    occupied = false;
    runs.forget(0);
    runs.forget(1);
    open(1);
    runs.submit(1, 0);
    begin();
    open(0);
    runs.submit(0, 0);
    end(begin(), 'completed');
    expect(runs.close(0, false).behindOthers).toBe(true);
  });
});

describe('segments taken back', () => {
  it('are told of after the one that executes has ended', () => {
    open(0);
    runs.submit(0, 0);
    runs.submit(0, 1);
    const executing = begin();
    runs.takeBack(0);
    expect([told, runs.isBusyWith(0)]).toEqual([[], true]);
    end(executing, 'stopped');
    expect([told, runs.isBusyWith(0)]).toEqual([['run 0: 0 stopped', 'run 0: 1 stopped'], false]);
    expect(begin).toThrow('nothing is left');
  });

  it('are told of at once when none executes', () => {
    open(0);
    runs.submit(0, 0);
    runs.takeBack(0);
    expect(told).toEqual(['run 0: 0 stopped']);
    expect(begin).toThrow('nothing is left');
  });
});

describe('a segment whose program the thread has refused', () => {
  it('fails after the call that submitted it has returned, and is not sent', async () => {
    refusal = REFUSAL;
    open(0);
    runs.submit(0, 0);
    expect(told).toEqual([]);
    await nextTurn();
    expect([told, posted]).toEqual([['run 0: 0 failed'], []]);
  });

  it('is not told to the next run of the slot', async () => {
    refusal = REFUSAL;
    open(0, 'evicted');
    runs.submit(0, 0);
    runs.evict(0);
    refusal = undefined;
    open(0, 'next');
    runs.submit(0, 0);
    await nextTurn();
    expect(told).toEqual([]);
    end(begin(), 'completed');
    expect(told).toEqual(['next: 0 completed']);
  });
});

describe('when the thread is replaced', () => {
  it('runs of which it had begun nothing go on; those that executed, or left values there, are lost', () => {
    open(0, 'with a value there');
    runs.submit(0, 0);
    end(begin(), 'completed');
    open(1, 'executing');
    runs.submit(1, 0);
    begin();
    open(2, 'not begun');
    runs.submit(2, 0);
    told = [];
    const { executing, finish } = runs.onThreadEnd(true);
    posted = [];
    finish(LOST);
    expect([executing, told]).toEqual([true, ['with a value there: lost', 'executing: lost']]);
    end(begin(), 'completed');
    expect(told.at(-1)).toBe('not begun: 0 completed');
  });
});
