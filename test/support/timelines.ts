/** Runs that leave a timeline, however they end, and the check that every exported timeline passes. */
import { expect } from 'vitest';
import { RunError } from '../../runtime/errors.js';
import type { Executable } from '../../runtime/executable.js';
import type { BuilderValue } from '../../runtime/graph-builder/value.js';
import { GraphBuilder } from '../../runtime/graph-builder.js';
import type { RunOptions } from '../../runtime/options.js';
import { checkTimeline } from '../../runtime/timeline/file/check.js';
import type { Timeline } from '../../runtime/timeline/timeline.js';
import type { ChromeTrace, TraceEvent } from '../../runtime/timeline/trace-event.js';
import type { Graph } from '../../scheduler/graph.js';
import type { TensorSpec } from '../../scheduler/tensor.js';

const SPEC: TensorSpec = { dtype: 'float32', shape: [4] };
/** What the graphs here are fed. */
export const X = { x: Float32Array.of(1, 2, 3, 4) };

/** Nodes `n0`, `n1`, … one after the other; input `x`, output `y`. */
export function chain(nodes: number): Graph {
  const builder = new GraphBuilder();
  let value: BuilderValue = builder.input('x', SPEC);
  for (let node = 0; node < nodes; node++)
    value = builder.kernel('Neg', { x: value }, {}, { name: `n${node}` });
  builder.output('y', value);
  return builder.build();
}

/** Two branches `a` and `b` from `first`, a host node beside them, and `last`, which joins all three. */
export function diamond(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', SPEC);
  const first = builder.kernel('Neg', { x }, {}, { name: 'first' });
  const a = builder.kernel('Abs', { x: first }, {}, { name: 'a' });
  const b = builder.kernel('Square', { x: first }, {}, { name: 'b' });
  const { half } = builder.host('halve', {
    inputs: { value: first },
    outputs: { half: SPEC },
    run: ({ value }) => ({
      half: { ...SPEC, data: (value!.data as Float32Array).map((element) => element / 2) },
    }),
  });
  const sum = builder.kernel('Add', { a, b }, {}, { name: 'sum' });
  builder.output('y', builder.kernel('Add', { a: sum, b: half }, {}, { name: 'last' }));
  return builder.build();
}

/** Puts `b` on the second stream, everything else on the first. */
export const B_APART = ({ name }: { readonly name: string }): number => (name === 'b' ? 1 : 0);

/** The timeline of a run, whether it completes or not. */
export async function timelineOf(executable: Executable, options: RunOptions = {}): Promise<Timeline> {
  try {
    return (await executable.run(X, { ...options, timeline: true })).timeline!;
  } catch (error) {
    if (error instanceof RunError && error.timeline !== undefined) return error.timeline;
    throw error;
  }
}

/** A timeline as a file gives it back, having passed the check. */
export function checkedExport(timeline: { toChromeTrace(): ChromeTrace }): ChromeTrace {
  const exported = JSON.parse(JSON.stringify(timeline.toChromeTrace())) as ChromeTrace;
  expect(checkTimeline(exported)).toEqual([]);
  return exported;
}

/** Events of one category, in order. */
export function eventsOf({ traceEvents }: ChromeTrace, cat: string): readonly TraceEvent[] {
  return traceEvents.filter((event) => event.cat === cat);
}
