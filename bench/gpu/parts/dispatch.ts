/** What a tiny node costs in each mode: by the difference of a long and a short chain, so that feeds and messages drop out. */
import { type CancellationOption, createEngine } from '../../../runtime/index.js';
import { addChain, TINY_LENGTH } from '../../chains.js';
import { alternate, pairwise, progress } from '../../harness.js';
import { nameOfMode, roundsWithin } from '../modes.js';
import type { Part } from '../part.js';

const MODES: readonly CancellationOption[] = ['none', 'node', { precisionMs: 1 }, { precisionMs: 10 }];
const [SHORT, LONG] = [200, 1000];
const BUDGET = { ms: 15_000, least: 3, most: 100 };
const SMOKE_BUDGET = { ms: 1000, least: 1, most: 3 };

export const dispatch: Part = async ({ smoke, adapter }) => {
  await using engine = await createEngine({ device: 'webgpu', webgpu: { adapter } });
  const x = new Float32Array(TINY_LENGTH);
  const short = await engine.compile(addChain(SHORT), { name: 'short' });
  const long = await engine.compile(addChain(LONG), { name: 'long' });
  const sides = Object.fromEntries(
    MODES.flatMap((cancellation) =>
      [short, long].map((executable) => [
        `${nameOfMode(cancellation)} ${executable.name}`,
        async () => (await executable.run({ x }, { cancellation })).report.durationMs,
      ]),
    ),
  );
  await alternate(sides, { warmUps: 1, rounds: 1 });
  const startMs = performance.now();
  await alternate(sides, { warmUps: 0, rounds: 1 });
  const rounds = roundsWithin(smoke ? SMOKE_BUDGET : BUDGET, performance.now() - startMs);
  progress(`chains of ${SHORT} and ${LONG} tiny nodes, ${rounds} rounds of ${MODES.length} modes`);
  const samples: Record<string, number[]> = await alternate(sides, { warmUps: 0, rounds });
  const perNodeUs = (mode: string) =>
    pairwise(
      samples[`${mode} long`]!,
      samples[`${mode} short`]!,
      (a, b) => ((a - b) * 1000) / (LONG - SHORT),
    );
  const figures = MODES.map(nameOfMode).map((mode) => ({ mode, perNodeUs: perNodeUs(mode) }));
  const rows = figures.map(({ mode, perNodeUs: { median, p5, p95 } }) => [
    mode,
    median.toFixed(1),
    `${p5.toFixed(1)}–${p95.toFixed(1)}`,
  ]);
  return {
    tables: [{ title: 'Dispatch: a tiny node', header: ['mode', 'µs per node', 'p5–p95'], rows }],
    data: { rounds, figures },
  };
};
