import { afterEach, describe, expect, it, vi } from 'vitest';
import { type CancellationMode, NodeCosts, RUN_STATE } from '../scheduler/cancellation.js';
import type { NodeId } from '../scheduler/graph.js';
import type { ImmediateBackend } from '../scheduler/kernel.js';
import { type ImmediateExecution, runSegment } from '../scheduler/node-loop.js';
import type { LoopResult } from '../scheduler/segment-execution.js';
import { ManualClock } from './support/manual-clock.js';
import { createRandom } from './support/random.js';
import { seeds, withSeed } from './support/seed.js';

const RUNNING = 4;

/** A segment whose nodes take the given times on a manual clock; the deadline sets the control word as a watchdog does. */
class Bench {
  readonly clock = new ManualClock();
  readonly word = Int32Array.of(RUNNING);
  readonly #execution: ImmediateExecution;
  #deadlineMs = Number.POSITIVE_INFINITY;

  constructor(durationsMs: readonly number[]) {
    this.#execution = {
      steps: durationsMs.map((ms, index) => ({
        node: index as NodeId,
        name: `n${index}`,
        completes: [index as NodeId],
        run: () => this.#spend(ms),
        frees: undefined,
        exports: undefined,
      })),
      firstStep: 0,
      endStep: durationsMs.length,
      values: [],
      backend: {} as ImmediateBackend,
      control: { words: this.word, index: 0 },
      clock: this.clock,
      costs: new NodeCosts(durationsMs.length),
      copyOut: () => {
        throw new Error('no step of this segment has exports');
      },
      timeline: undefined,
    };
  }

  #spend(ms: number): void {
    this.clock.skip(ms);
    if (this.clock.nowMs() >= this.#deadlineMs) this.word[0] = RUNNING | RUN_STATE.deadline;
  }

  /** Runs the segment; says how it ended, how late, and how often it looked at the control word. */
  run(
    mode: CancellationMode,
    timeoutMs = Number.POSITIVE_INFINITY,
  ): LoopResult & { lateMs: number; checks: number } {
    this.word[0] = RUNNING;
    this.#deadlineMs = this.clock.nowMs() + timeoutMs;
    const loads = vi.spyOn(Atomics, 'load');
    const result = runSegment(this.#execution, mode);
    const checks = loads.mock.calls.length;
    loads.mockRestore();
    return { ...result, lateMs: this.clock.nowMs() - this.#deadlineMs, checks };
  }
}

const NODE: CancellationMode = { kind: 'node' };
const precision = (precisionMs: number): CancellationMode => ({ kind: 'precision', precisionMs });

afterEach(() => {
  vi.restoreAllMocks();
});

describe("mode 'node'", () => {
  it('stops after the node in which the deadline passed, wherever that is', () => {
    const bench = new Bench(Array(20).fill(1));
    for (let node = 0; node < 19; node++) {
      const { status, nextStep, lateMs } = bench.run(NODE, node + 0.5);
      expect([status, nextStep, lateMs]).toEqual(['stopped', node + 1, 0.5]);
    }
    expect(bench.run(NODE, 19.5).status).toBe('completed');
  });
});

describe('{ precisionMs }', () => {
  it('looks at every node until their costs are known, then as rarely as they allow', () => {
    const bench = new Bench(Array(1000).fill(0.01));
    expect(bench.run(precision(1)).checks).toBe(1000);
    const { checks, status } = bench.run(precision(1));
    expect(status).toBe('completed');
    // 10 ms in windows of at most 0.75 ms.
    expect(checks).toBeGreaterThanOrEqual(13);
    expect(checks).toBeLessThanOrEqual(16);
  });

  it('stops within precisionMs, or within the one node that is longer', async () => {
    for (const seed of seeds(50)) {
      await withSeed(seed, () => {
        const random = createRandom(seed);
        const durations = Array.from({ length: 200 }, () => random.next() ** 4 * 2);
        const bench = new Bench(durations);
        const totalMs = durations.reduce((sum, ms) => sum + ms, 0);
        bench.run(precision(1));
        for (let run = 0; run < 20; run++) {
          const timeoutMs = random.next() * totalMs;
          const { status, lateMs, nextStep } = bench.run(precision(1), timeoutMs);
          const longest = Math.max(1, ...durations.slice(0, nextStep));
          if (status === 'stopped') expect(lateMs).toBeLessThanOrEqual(longest + 1e-6);
        }
      });
    }
  });

  it('follows nodes that have become slower', () => {
    const costs = new NodeCosts(2);
    costs.ms.fill(0.01);
    for (let round = 0; round < 10; round++) costs.learn(0, 2, 0.2);
    expect(costs.ms[0]).toBeCloseTo(0.1, 5);
  });

  it('counts a single observation by halves, and one of many nodes by a factor of two at most', () => {
    const costs = new NodeCosts(3);
    expect([...costs.ms]).toEqual([
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
    costs.learn(0, 1, 4);
    costs.learn(0, 1, 2);
    costs.learn(1, 2, 1);
    costs.learn(2, 3, 1);
    expect([...costs.ms]).toEqual([3, 1, 1]);
    costs.learn(1, 3, 1000);
    expect([...costs.ms]).toEqual([3, 2, 2]);
    costs.learn(1, 3, 0);
    expect([...costs.ms]).toEqual([3, 1, 1]);
  });
});

describe.each<CancellationMode>([{ kind: 'none' }, NODE, precision(5)])('in mode $kind', (mode) => {
  it('the loop gives the step that threw, and its error', () => {
    const bench = new Bench([1, 1, Number.NaN]);
    const broken = vi.spyOn(bench.clock, 'skip').mockImplementation((ms) => {
      if (Number.isNaN(ms)) throw new Error('broken');
    });
    expect(bench.run(mode)).toMatchObject({ status: 'failed', nextStep: 2, error: { message: 'broken' } });
    broken.mockRestore();
  });
});
