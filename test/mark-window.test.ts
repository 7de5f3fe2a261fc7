import { describe, expect, it } from 'vitest';
import { NodeCosts } from '../scheduler/cancellation.js';
import type { MakeRoom } from '../scheduler/in-flight-window.js';
import { MarkWindow } from '../scheduler/mark-window.js';

/** Time between a decision and its consequence that tests do not care about. */
const A_MOMENT_MS = 0.001;

function costsOf(...ms: readonly number[]): NodeCosts {
  const costs = new NodeCosts(ms.length);
  costs.ms.set(ms);
  return costs;
}

/** Costs of a chain of equal nodes. */
function equalCosts(nodes: number, ms: number): NodeCosts {
  return costsOf(...new Array<number>(nodes).fill(ms));
}

/** Submits the steps before `end` at one time, whatever the window says. */
function submitUpTo(window: MarkWindow, end: number, nowMs: number): void {
  for (let step = window.last + 1; step < end; step++) window.submitted(step, nowMs);
}

/** Submits as the node loop does, until the window wants to wait for something. */
function fill(window: MarkWindow, costs: NodeCosts, nowMs: number): MakeRoom {
  for (let step = window.last + 1; step < costs.ms.length; step++) {
    const room = window.makeRoom(costs.ms[step]!, nowMs);
    if (room.kind !== 'none') return room;
    window.submitted(step, nowMs);
  }
  return { kind: 'none' };
}

describe('room for a node', () => {
  it('is there while nothing is in flight, however long the node', () => {
    const window = new MarkWindow(costsOf(100), 1, 0);
    expect(window.makeRoom(100, 0)).toEqual({ kind: 'none' });
    expect(window.makeRoom(Number.POSITIVE_INFINITY, 0)).toEqual({ kind: 'none' });
  });

  it('is there while the estimates in flight fit into half the precision', () => {
    const costs = equalCosts(100, 0.0625);
    const window = new MarkWindow(costs, 1, 0);
    expect(fill(window, costs, 0).kind).toBe('fence');
    expect(window.last + 1).toBe(0.5 / 0.0625);
  });

  it('is made by a fence in the middle, so that the device has work left when it ends', () => {
    const costs = equalCosts(100, 0.0625);
    const window = new MarkWindow(costs, 1, 0);
    expect(fill(window, costs, 0)).toEqual({ kind: 'fence', step: 3 });
  });

  it('counts the time that has passed since the device started', () => {
    const costs = equalCosts(100, 0.0625);
    const window = new MarkWindow(costs, 1, 0);
    fill(window, costs, 0);
    expect(window.makeRoom(0.0625, 0.0625)).toEqual({ kind: 'none' });
  });

  it('never takes a fence on the last of two, which would leave the device idle', () => {
    const window = new MarkWindow(costsOf(0.01, 0.4, 0.4), 1, 0);
    submitUpTo(window, 2, 0);
    expect(window.makeRoom(0.4, 0)).toEqual({ kind: 'fence', step: 0 });
  });

  it('is the same for a window that starts in the middle of a program', () => {
    const costs = equalCosts(100, 0.0625);
    const window = new MarkWindow(costs, 1, 40);
    expect(window.isEmpty).toBe(true);
    expect(fill(window, costs, 0)).toEqual({ kind: 'fence', step: 43 });
    expect(window.head).toBe(40);
    window.finished(43, 0.1, false);
    expect(window.head).toBe(44);
    window.finished(47, 0.2, true);
    expect(costs.ms[47]).toBeCloseTo((0.0625 * 0.2) / 0.25, 9);
  });
});

describe('a node never measured', () => {
  it('is submitted alone: what is in flight ends first', () => {
    const window = new MarkWindow(costsOf(0.01, 0.01, Number.POSITIVE_INFINITY), 1, 0);
    submitUpTo(window, 2, 0);
    expect(window.makeRoom(Number.POSITIVE_INFINITY, 0)).toEqual({ kind: 'fence', step: 1 });
  });

  it('ends before the next node is submitted, and is measured by that', () => {
    const costs = costsOf(Number.POSITIVE_INFINITY, 0.01);
    const window = new MarkWindow(costs, 1, 0);
    window.submitted(0, 5);
    expect(window.makeRoom(0.01, 5)).toEqual({ kind: 'fence', step: 0 });
    window.finished(0, 7, true);
    expect(costs.ms[0]).toBe(2);
    expect(window.makeRoom(0.01, 7)).toEqual({ kind: 'none' });
  });

  it('has an upper bound when it had ended before the fence', () => {
    const costs = costsOf(Number.POSITIVE_INFINITY);
    const window = new MarkWindow(costs, 1, 0);
    window.submitted(0, 0);
    window.finished(0, 0.02, false);
    expect(costs.ms[0]).toBe(0.02);
  });
});

describe('a node in flight that is longer than the window', () => {
  it('is paused for, until it is nearly done', () => {
    const window = new MarkWindow(costsOf(0.75, 0.75), 1, 0);
    window.submitted(0, 0);
    expect(window.makeRoom(0.75, 0.25)).toEqual({ kind: 'pause', ms: expect.closeTo(0.45, 9) });
    expect(window.makeRoom(0.75, 0.7)).toEqual({ kind: 'none' });
  });

  it('is paused for once: rounding makes no endless row of pauses', () => {
    for (let sample = 1; sample < 1000; sample++) {
      const costMs = 0.5 + sample * 0.0005;
      const startMs = sample * 1e5 * Math.PI;
      const window = new MarkWindow(costsOf(costMs, costMs), 1, 0);
      window.submitted(0, startMs);
      const room = window.makeRoom(costMs, startMs);
      expect(room.kind, `cost ${costMs}`).toBe('pause');
      if (room.kind !== 'pause') return;
      expect(window.makeRoom(costMs, startMs + room.ms), `cost ${costMs}`).toEqual({ kind: 'none' });
    }
  });

  it('is waited for to its end when it is longer than the precision: a low estimate would let the next one in', () => {
    const window = new MarkWindow(costsOf(1.5, 1.5), 1, 0);
    window.submitted(0, 0);
    expect(window.makeRoom(1.5, 0)).toEqual({ kind: 'fence', step: 0 });
  });

  it('makes room for a short node earlier than for a long one', () => {
    const window = new MarkWindow(costsOf(0.75, 0.01), 1, 0);
    window.submitted(0, 0);
    expect(window.makeRoom(0.01, 0)).toEqual({ kind: 'pause', ms: expect.closeTo(0.5, 9) });
  });
});

describe('a pause that was too long', () => {
  /** Pauses for step 0, submits step 1, and finds step 0 finished. */
  function pauseTooLong(costs: NodeCosts) {
    const window = new MarkWindow(costs, 1, 0);
    window.submitted(0, 0);
    expect(window.makeRoom(0.8, 0).kind).toBe('pause');
    window.submitted(1, 0.75);
    expect(window.makeRoom(0.8, 0.75)).toEqual({ kind: 'fence', step: 0 });
    window.finished(0, 0.75 + A_MOMENT_MS, false);
    return window;
  }

  it('halves what it leaves possible, so that few runs find the true cost', () => {
    const costs = equalCosts(3, 0.8);
    pauseTooLong(costs);
    expect(costs.ms[0]).toBeCloseTo((0.8 + (0.75 + A_MOMENT_MS) / 2) / 2, 9);
  });

  it('is the last one until an estimate has proven right', () => {
    const costs = equalCosts(5, 0.8);
    const window = pauseTooLong(costs);
    expect(window.makeRoom(0.8, 0.76)).toEqual({ kind: 'fence', step: 1 });
    window.finished(1, 0.75 + 0.4, true);
    expect(costs.ms[1]).toBeCloseTo((0.8 + 0.4) / 2, 9);
    window.submitted(2, 1.15);
    expect(window.makeRoom(0.8, 1.15)).toEqual({ kind: 'fence', step: 2 });
    window.finished(2, 1.15 + 0.79, true);
    window.submitted(3, 2);
    expect(window.makeRoom(0.8, 2).kind).toBe('pause');
  });
});

describe('estimates that are too low', () => {
  it('are checked by a fence after half the precision, though by them everything has finished', () => {
    const costs = equalCosts(1000, 0.001);
    const window = new MarkWindow(costs, 1, 0);
    submitUpTo(window, 100, 0);
    expect(window.makeRoom(0.001, 0.499)).toEqual({ kind: 'none' });
    const room = window.makeRoom(0.001, 0.5);
    expect(room).toEqual({ kind: 'fence', step: 49 });
  });

  it('are raised by a fence that had to wait, at most twofold at a time', () => {
    const costs = equalCosts(1000, 0.001);
    const window = new MarkWindow(costs, 1, 0);
    submitUpTo(window, 100, 0);
    window.finished(49, 0.5, true);
    expect(costs.ms[0]).toBeCloseTo(0.002, 9);
    expect(costs.ms[49]).toBeCloseTo(0.002, 9);
    expect(costs.ms[50]).toBe(0.001);
  });

  it('are not checked again until as much time has passed', () => {
    const costs = equalCosts(1000, 0.001);
    const window = new MarkWindow(costs, 1, 0);
    submitUpTo(window, 100, 0);
    window.finished(49, 0.5, true);
    expect(window.makeRoom(0.001, 0.999)).toEqual({ kind: 'none' });
    expect(window.makeRoom(0.001, 1)).toEqual({ kind: 'fence', step: 74 });
  });

  it('of one node alone in flight are not checked: it is all there is', () => {
    const window = new MarkWindow(costsOf(0.01, 0.01), 1, 0);
    window.submitted(0, 0);
    expect(window.makeRoom(0.01, 10)).toEqual({ kind: 'none' });
  });
});

describe('what a fence tells', () => {
  it('is the exact time when it had to wait after one that had to wait', () => {
    const costs = equalCosts(4, 0.1);
    const window = new MarkWindow(costs, 1, 0);
    submitUpTo(window, 4, 0);
    window.finished(1, 0.2, true);
    window.finished(2, 0.35, true);
    expect(costs.ms[2]).toBeCloseTo((0.1 + 0.15) / 2, 9);
  });

  it('is nothing when it did not have to wait and the estimate is lower anyway', () => {
    const costs = equalCosts(2, 0.1);
    const window = new MarkWindow(costs, 1, 0);
    submitUpTo(window, 2, 0);
    window.finished(1, 5, false);
    expect([...costs.ms]).toEqual([0.1, 0.1]);
  });

  it('lowers an estimate above the elapsed time, waited or not', () => {
    const costs = equalCosts(2, 0.1);
    const window = new MarkWindow(costs, 1, 0);
    submitUpTo(window, 2, 0);
    window.finished(1, 0.15, false);
    expect(costs.ms[0]).toBeCloseTo(0.075, 9);
    expect(costs.ms[1]).toBeCloseTo(0.075, 9);
  });

  it('does not lower estimates by time that began after the device had started on the nodes', () => {
    const costs = equalCosts(6, 0.1);
    const window = new MarkWindow(costs, 1, 0);
    submitUpTo(window, 6, 0);
    // The device may have been busy with steps 2 and 3 long before this fence asked for step 1.
    window.finished(1, 0.4, false);
    window.finished(3, 0.41, true);
    expect([...costs.ms]).toEqual([0.1, 0.1, 0.1, 0.1, 0.1, 0.1]);
  });

  it('bounds by their submission what nodes took that the device started on unseen', () => {
    const costs = equalCosts(4, 0.1);
    const window = new MarkWindow(costs, 1, 0);
    submitUpTo(window, 2, 0);
    submitUpTo(window, 4, 0.3);
    window.finished(1, 0.31, false);
    window.finished(3, 0.4, false);
    expect(costs.ms[2]).toBeCloseTo(0.05, 9);
    expect(costs.ms[3]).toBeCloseTo(0.05, 9);
  });
});
