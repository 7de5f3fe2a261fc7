import { describe, expect, it } from 'vitest';
import type { RunOptions } from '../../runtime/options.js';
import type { ChromeTrace, TraceEvent } from '../../runtime/timeline/trace-event.js';
import { startEngine } from '../support/engines.js';
import { B_APART, chain, checkedExport, diamond, eventsOf, timelineOf } from '../support/timelines.js';

const virtual = { kernelMs: () => 1 };

/** Rows by name, with the names of the spans and host nodes on them; the latter may take no time. */
function rowsOf({ traceEvents }: ChromeTrace): Record<string, string[]> {
  const isRowOf = (span: TraceEvent) => (name: TraceEvent) =>
    name.name === 'thread_name' && name.pid === span.pid && name.tid === span.tid;
  const rows: Record<string, string[]> = {};
  for (const span of traceEvents.filter(({ ph, cat }) => ph === 'X' || cat === 'host')) {
    const row = traceEvents.find(isRowOf(span))!.args!['name'] as string;
    rows[row] = [...(rows[row] ?? []), span.name];
  }
  return rows;
}

async function stoppedChain(options: RunOptions = { timeoutMs: 3.5 }): Promise<ChromeTrace> {
  const engine = await startEngine({ device: 'virtual', virtual });
  return checkedExport(await timelineOf(await engine.compile(chain(6), { name: 'chain' }), options));
}

describe('the exported timeline of a run', () => {
  it('has one process for the main thread and one for the device, and rows by stream', async () => {
    const engine = await startEngine({ device: 'virtual', virtual, streams: 2 });
    const exported = checkedExport(await timelineOf(await engine.compile(diamond(), { placement: B_APART })));
    const processes = exported.traceEvents.filter(({ name }) => name === 'process_name');
    expect(processes.map(({ args }) => args!['name'])).toEqual(['main thread', 'virtual']);
    const rows = rowsOf(exported);
    expect(rows['stream 0']!.filter((name) => !name.startsWith('copy'))).toEqual([
      'first',
      'a',
      'sum',
      'last',
    ]);
    expect(rows['stream 1']!.filter((name) => !name.startsWith('copy'))).toEqual(['b']);
    expect(rows['host nodes']).toEqual(['halve']);
    expect(rows['stream 1, thread']).toEqual(expect.arrayContaining(['segment 0', 'submit b', 'wait for b']));
  });

  it('says of a node its op, its shapes, its stream and the bytes alive', async () => {
    const [node] = eventsOf(await stoppedChain(), 'node');
    expect(node).toMatchObject({
      name: 'n0',
      args: { op: 'Neg', stream: 0, run: 1, inputs: ['float32[4]'], outputs: ['float32[4]'], bytesLive: 16 },
    });
  });

  it('draws arrows from dispatch and submission to execution, and from values to those who wait for them', async () => {
    const engine = await startEngine({ device: 'virtual', virtual, streams: 2 });
    const { traceEvents } = checkedExport(
      await timelineOf(await engine.compile(diamond(), { placement: B_APART })),
    );
    const starts = traceEvents.filter(({ ph }) => ph === 's');
    const count = (name: string) => starts.filter((event) => event.name === name).length;
    expect(count('dispatch')).toBe(eventsOf({ traceEvents } as ChromeTrace, 'dispatch').length);
    expect(count('submit')).toBe(5);
    // first → b and first → halve; b → sum and halve → last.
    expect(count('value')).toBe(4);
  });

  it('marks the deadline, the stop, what was skipped, and how late the run was', async () => {
    const exported = await stoppedChain();
    expect(eventsOf(exported, 'deadline')).toMatchObject([{ ph: 'i', ts: 3500, args: { timeoutMs: 3.5 } }]);
    expect(eventsOf(exported, 'stop')).toMatchObject([{ ph: 'i', name: 'stopped before n4' }]);
    expect(eventsOf(exported, 'skipped')).toMatchObject([
      { name: 'skipped: 2 nodes', args: { skipped: 2, names: ['n4', 'n5'] } },
    ]);
    const [lateness] = eventsOf(exported, 'lateness');
    expect(lateness).toMatchObject({ ph: 'X', ts: 3500, args: { stoppedBefore: 'n4' } });
    const [run] = eventsOf(exported, 'run');
    expect(lateness!.ts + lateness!.dur!).toBeCloseTo(run!.ts + run!.dur!, 6);
    expect(eventsOf(exported, 'drain')).toHaveLength(1);
  });

  it('marks an abort', async () => {
    const controller = new AbortController();
    const kernelMs = ({ name }: { name: string }) => {
      if (name === 'n2') controller.abort();
      return 1;
    };
    const engine = await startEngine({ device: 'virtual', virtual: { kernelMs } });
    const executable = await engine.compile(chain(6));
    const timeline = await timelineOf(executable, { signal: controller.signal });
    expect(timeline.report.outcome).toBe('aborted');
    expect(eventsOf(checkedExport(timeline), 'abort')).toHaveLength(1);
  });

  it('counts bytes and the work in flight, which end where they began', async () => {
    const { traceEvents } = await stoppedChain();
    const last = new Map<string, unknown>();
    for (const { ph, name, args } of traceEvents) if (ph === 'C') last.set(name, Object.values(args!)[0]);
    expect([...last].sort()).toEqual([
      ['stream 0: bytes live', 0],
      ['stream 0: nodes in flight', 0],
      ['stream 0: segments in flight', 0],
    ]);
  });

  it('shows a failed node', async () => {
    const faults = [{ kind: 'submit-error', node: 'n2' }] as const;
    const engine = await startEngine({ device: 'virtual', virtual: { ...virtual, faults } });
    const timeline = await timelineOf(await engine.compile(chain(4)));
    expect(timeline.report.outcome).toBe('failed');
    expect(eventsOf(checkedExport(timeline), 'failure')).toMatchObject([{ name: 'n2 failed' }]);
  });

  it('shows a lost stream, with what had been executed there', async () => {
    const faults = [{ kind: 'device-lost', stream: 0, atMs: 3.5 }] as const;
    const engine = await startEngine({ device: 'virtual', virtual: { ...virtual, faults } });
    const timeline = await timelineOf(await engine.compile(chain(6)));
    expect(timeline.report.outcome).toBe('failed');
    const exported = checkedExport(timeline);
    expect(eventsOf(exported, 'replaced')).toMatchObject([{ name: 'lost stream 0' }]);
    expect(eventsOf(exported, 'node').map(({ name }) => name)).toEqual(['n0', 'n1', 'n2']);
  });

  it('of a real device has nodes and copies on one row per stream', async () => {
    const engine = await startEngine({ streams: 2 });
    const timeline = await timelineOf(await engine.compile(diamond(), { placement: B_APART }));
    expect(timeline.nodes.map(({ name }) => name).sort()).toEqual([
      'a',
      'b',
      'first',
      'halve',
      'last',
      'sum',
    ]);
    const rows = rowsOf(checkedExport(timeline));
    expect(Object.keys(rows).sort()).toEqual(['host nodes', 'run', 'stream 0', 'stream 1']);
    expect(rows['stream 1']).toEqual(['segment 0', 'copy in first', 'b', 'copy out b']);
  });
});
