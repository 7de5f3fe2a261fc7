import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../runtime/graph-builder.js';
import { drawTimeline } from '../../runtime/timeline/picture/draw.js';
import { startEngine } from '../support/engines.js';
import { B_APART, chain, diamond, timelineOf } from '../support/timelines.js';

const virtual = { kernelMs: () => 1 };
const MOST_BYTES = 200_000;

/** Throws unless tags close in order and nothing is left outside of them. */
function expectWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, close, name, rest] of svg.matchAll(/<(\/?)([a-z]+)([^>]*)>/gi)) {
    if (close === '/') expect(open.pop()).toBe(name);
    else if (!rest!.endsWith('/')) open.push(name!);
  }
  expect(open).toEqual([]);
  expect(svg.replace(/<[^>]*>/g, '')).not.toMatch(/[<>]|&(?!amp;|lt;|gt;|quot;)/);
}

async function pictureOfStop(): Promise<string> {
  const engine = await startEngine({ device: 'virtual', virtual });
  const executable = await engine.compile(chain(6), { name: 'chain' });
  return drawTimeline(await timelineOf(executable, { timeoutMs: 3.5 }));
}

describe('the picture of a run', () => {
  it('shows its rows, the deadline, where it was stopped and what was skipped', async () => {
    const svg = await pictureOfStop();
    expectWellFormed(svg);
    for (const text of [
      'chain on virtual: deadline-exceeded, deadline 3.50 ms, 0.',
      'deadline 3.50 ms',
      'stopped before n4',
      '2 nodes skipped',
      '>stream 0<',
      '>stream 0, thread<',
    ])
      expect(svg).toContain(text);
  });

  it('has colors for light and for dark', async () => {
    expect(await pictureOfStop()).toContain('@media (prefers-color-scheme: dark)');
  });

  it('of a run over two streams and the host has a row for each', async () => {
    const engine = await startEngine({ streams: 2 });
    const svg = drawTimeline(await timelineOf(await engine.compile(diamond(), { placement: B_APART })));
    expectWellFormed(svg);
    for (const row of ['run', 'host nodes', 'stream 0', 'stream 1']) expect(svg).toContain(`>${row}<`);
  });

  it('stays small for thousands of nodes', async () => {
    const engine = await startEngine();
    const timeline = await timelineOf(await engine.compile(chain(5000)));
    expect(timeline.nodes).toHaveLength(5000);
    expect(drawTimeline(timeline).length).toBeLessThan(MOST_BYTES);
  });

  it('of a run that was never dispatched is drawn as well', async () => {
    const engine = await startEngine({ device: 'virtual', virtual });
    expectWellFormed(drawTimeline(await timelineOf(await engine.compile(chain(2)), { timeoutMs: 0 })));
  });

  it('writes names as text, whatever they are', async () => {
    const engine = await startEngine({ device: 'virtual', virtual });
    const builder = new GraphBuilder();
    const x = builder.input('x', { dtype: 'float32', shape: [4] });
    const name = '<script>&"\u0007';
    const { y } = builder.host(name, {
      inputs: { x },
      outputs: { y: { dtype: 'float32', shape: [4] } },
      run: ({ x }) => ({ y: x! }),
    });
    builder.output('y', builder.kernel('Neg', { x: y }));
    const executable = await engine.compile(builder.build(), { name });
    const svg = drawTimeline(await timelineOf(executable));
    expectWellFormed(svg);
    expect(svg).toContain('&lt;script&gt;&amp;&quot;\uFFFD on virtual');
  });
});
