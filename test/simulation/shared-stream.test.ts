import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../runtime/graph-builder.js';
import { createEngine } from '../../runtime/index.js';
import type { Graph } from '../../scheduler/graph.js';
import { runRejection } from '../support/catch-error.js';

const LONG_MS = 1000;

function oneKernel(name: string): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', { dtype: 'float32', shape: [2] });
  builder.output('y', builder.kernel('Neg', { x }, {}, { name }));
  return builder.build();
}

describe('two runs in flight on one stream', () => {
  it('stop by their own deadlines: one that waits behind a long run is not late by it', async () => {
    const kernelMs = ({ name }: { readonly name: string }) => (name === 'long' ? LONG_MS : 1);
    await using engine = await createEngine({ device: 'virtual', virtual: { kernelMs }, runsInFlight: 2 });
    const long = await engine.compile(oneKernel('long'));
    const short = await engine.compile(oneKernel('short'));
    const feeds = { x: new Float32Array(2) };
    const first = long.run(feeds);
    const { report } = await runRejection(short.run(feeds, { timeoutMs: 5, cancellation: 'node' }));
    expect(report).toMatchObject({ outcome: 'deadline-exceeded', stoppedBefore: 'short', nodesCompleted: 0 });
    expect(report.latenessMs).toBeLessThan(1);
    const second = short.run(feeds);
    expect((await first).report).toMatchObject({ outcome: 'completed', nodesCompleted: 1 });
    expect((await second).report).toMatchObject({ outcome: 'completed', nodesCompleted: 1 });
    expect(engine.stats().bytes.live).toBe(0);
  });
});
