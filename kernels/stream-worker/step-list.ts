/** What a stream's thread executes for a program: a step for each node, or chunks of nodes. */
import { NodeCosts } from '../../scheduler/cancellation.js';
import type { StepRange } from '../../scheduler/program.js';
import type { PreparedStep } from '../../scheduler/segment-execution.js';

export interface StepList {
  readonly steps: readonly PreparedStep[];
  /** The steps of each segment of the program. */
  readonly segments: readonly StepRange[];
  readonly costs: NodeCosts;
  /** Nodes that the steps before each step complete, and behind them the number of all. */
  readonly completedBefore: Int32Array;
}

function countCompleted(steps: readonly PreparedStep[]): Int32Array {
  const counts = new Int32Array(steps.length + 1);
  for (const [index, { completes }] of steps.entries()) counts[index + 1] = counts[index]! + completes.length;
  return counts;
}

export function listSteps(steps: readonly PreparedStep[], segments: readonly StepRange[]): StepList {
  return { steps, segments, costs: new NodeCosts(steps.length), completedBefore: countCompleted(steps) };
}
