/** Training steps with Adam on TensorFlow's kernels, against the reference. */
import { setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildTrainingStep } from '../../bench/models/training-step.js';
import { interpret } from '../../kernels/reference/interpret.js';
import { trace } from '../../runtime/index.js';
import type { Graph } from '../../scheduler/graph.js';
import type { Tensor } from '../../scheduler/tensor.js';
import { startEngine } from '../support/engines.js';
import { buildLstmStep } from '../support/lstm-step.js';
import { difference } from '../support/one-node.js';

const STEPS = 3;
const TOLERANCE = 1e-4;

beforeAll(() => setBackend('cpu'));

interface Step {
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

async function convolutional(): Promise<Step> {
  const { inputs, fn, feeds, dispose } = buildTrainingStep();
  try {
    return { graph: await trace(fn as Parameters<typeof trace>[0], inputs), feeds };
  } finally {
    dispose();
  }
}

async function recurrent(): Promise<Step> {
  const { inputs, fn, feeds } = buildLstmStep();
  return { graph: await trace(fn as Parameters<typeof trace>[0], inputs), feeds };
}

/** The state a step gives, as the feeds of the next one. */
function next(feeds: Step['feeds'], outputs: Readonly<Record<string, Tensor>>): Step['feeds'] {
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, outputs[name] ?? tensor]));
}

/**
 * The bias in front of the batch normalization, which takes it out again: its gradient is nothing but rounding errors, and
 * Adam makes whole steps of them.
 */
function idleBias(feeds: Step['feeds']): string | undefined {
  return Object.keys(feeds).find((name) => /^conv.*bias$/.test(name));
}

describe.each([
  ['a small convolutional network', convolutional],
  ['an LSTM with an embedding', recurrent],
])('Adam on %s', (_name, build) => {
  it.each([false, true])('equals the reference over several steps, queueing: %s', async (queueing) => {
    const { graph, feeds: first } = await build();
    const engine = await startEngine({ device: 'tensorflow', tensorflow: { queueing } });
    const step = await engine.compile(graph);
    const losses: number[] = [];
    let feeds = first;
    for (let count = 0; count < STEPS; count++) {
      const expected = await interpret(graph, feeds);
      const { outputs } = await step.run(feeds);
      for (const [name, tensor] of Object.entries(expected)) {
        if (name === idleBias(feeds)) continue;
        expect(difference(outputs[name]!, tensor, TOLERANCE), `${name} after step ${count}`).toBeUndefined();
      }
      losses.push(outputs['loss']!.data[0]!);
      feeds = next(feeds, expected);
    }
    expect(losses[STEPS - 1]).toBeLessThan(losses[0]!);
    expect(step.fallbacks).toEqual([]);
    expect(engine.stats().bytes.live).toBe(0);
  });
});
