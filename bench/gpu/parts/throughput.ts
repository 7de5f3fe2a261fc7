/** What more runs in flight, and a second stream, do for throughput. */
import {
  createEngine,
  type Engine,
  type EngineOptions,
  type Executable,
  type Feeds,
} from '../../../runtime/index.js';
import { alternate, type Side, type Summary, summarize, timeMs } from '../../harness.js';
import { roundsWithin } from '../modes.js';
import type { Part, PartContext } from '../part.js';
import { WORKLOADS, type Workload } from '../workloads.js';

/** Runs at once. */
const [RUNS, SMOKE_RUNS] = [8, 2];
const BUDGET = { ms: 15_000, least: 2, most: 40 };
const SMOKE_BUDGET = { ms: 500, least: 1, most: 2 };

type Options = Pick<EngineOptions, 'streams' | 'runsInFlight'>;

/** Milliseconds per run. */
const runMany = (executable: Executable, feeds: Feeds, runs: number) => async (): Promise<number> =>
  (await timeMs(() => Promise.all(Array.from({ length: runs }, () => executable.run(feeds))))) / runs;

/** Milliseconds per run in each engine, several runs at a time, the engines taking turns. */
async function measure(
  { graph, feeds }: Workload,
  engines: Readonly<Record<string, Options>>,
  { smoke, adapter }: PartContext,
): Promise<Record<string, Summary>> {
  const started: Engine[] = [];
  try {
    const sides: Record<string, Side> = {};
    for (const [name, options] of Object.entries(engines)) {
      const engine = await createEngine({ device: 'webgpu', webgpu: { adapter }, ...options });
      started.push(engine);
      sides[name] = runMany(await engine.compile(graph), feeds, smoke ? SMOKE_RUNS : RUNS);
    }
    await alternate(sides, { warmUps: 1, rounds: 0 });
    const roundMs = await timeMs(() => alternate(sides, { warmUps: 0, rounds: 1 }));
    const rounds = roundsWithin(smoke ? SMOKE_BUDGET : BUDGET, roundMs);
    const samples = await alternate(sides, { warmUps: 0, rounds });
    return Object.fromEntries(Object.entries(samples).map(([name, all]) => [name, summarize(all)]));
  } finally {
    await Promise.all(started.map((engine) => engine.close()));
  }
}

function partOf(workload: string, what: string, engines: Readonly<Record<string, Options>>): Part {
  return async (context) => {
    const built = await WORKLOADS[workload]!(context);
    const figures = await measure(built, engines, context);
    const [first] = Object.values(figures);
    const rows = Object.entries(figures).map(([name, { median, p5, p95 }]) => [
      name,
      (1000 / median).toFixed(1),
      `${(1000 / p95).toFixed(1)}–${(1000 / p5).toFixed(1)}`,
      `${(first!.median / median).toFixed(2)} ×`,
    ]);
    const title = `${what}: ${built.title}, ${context.smoke ? SMOKE_RUNS : RUNS} runs at once`;
    return {
      tables: [{ title, header: ['', 'runs per second', 'p5–p95', 'gain'], rows }],
      data: { title, msPerRun: figures },
    };
  };
}

export const inFlight = partOf('mobilenet', 'Runs in flight', {
  '1 in flight': { runsInFlight: 1 },
  '2 in flight': { runsInFlight: 2 },
  '3 in flight': { runsInFlight: 3 },
  '4 in flight': { runsInFlight: 4 },
});

export const streams = partOf('mobilenet', 'Streams', {
  '1 stream': { streams: 1 },
  '2 streams': { streams: 2 },
});
