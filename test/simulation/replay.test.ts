import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { randomScenario } from '../simulator/random-scenario.js';
import type { Scenario } from '../simulator/scenario.js';
import { simulate, simulateSeed } from '../simulator/simulate.js';

const MAIN = fileURLToPath(new URL('../../dist/test/simulator/main.js', import.meta.url));
const run = promisify(execFile);

/** A stream hangs, and nothing stops the run on it. */
function hungScenario(): Scenario {
  const scenario = randomScenario(1);
  return {
    ...scenario,
    world: {
      ...scenario.world,
      streams: 1,
      drainLimitMs: undefined,
      faults: [{ kind: 'stall', stream: 0, atMs: 1 }],
    },
    placement: 'single',
    runs: [
      {
        startMs: 1,
        mode: 'none',
        timeoutMs: undefined,
        abortMs: undefined,
        partial: false,
        priority: 0,
        timeline: false,
        feed: 0,
      },
    ],
  };
}

describe('a simulation', () => {
  it('of the same seed leaves the same events, byte for byte', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const [first, second] = [await simulateSeed(seed, true), await simulateSeed(seed, true)];
      expect(first.log.length).toBeGreaterThan(10);
      expect(second.log.join('\n')).toBe(first.log.join('\n'));
    }
  });

  it('of other seeds leaves other events', async () => {
    const logs = new Set<string>();
    for (const seed of [1, 2, 3]) logs.add((await simulateSeed(seed, true)).log.join('\n'));
    expect(logs.size).toBe(3);
  });

  it('fails when a run never settles', async () => {
    const { failure } = await simulate(hungScenario());
    expect(failure?.message).toContain('not every run has settled');
  });
});

describe('npm run simulate', () => {
  it('replays a seed with the events of the simulation', async () => {
    const { log } = await simulateSeed(7, true);
    const { stdout } = await run(process.execPath, [MAIN, '--seed', '7']);
    expect(stdout).toBe(`${[...log, 'seed 7: passed'].join('\n')}\n`);
  });

  it('counts seeds, and exits with 0 when all pass', async () => {
    const { stdout } = await run(process.execPath, [MAIN, '--seeds', '3', '--seed', '10']);
    expect(stdout).toMatch(/^seeds from 10\n3 of 3 seeds, \d+ runs, 0 failed\n$/);
  });

  it('exits with another code for options it does not know', async () => {
    await expect(run(process.execPath, [MAIN, '--seeds', 'many'])).rejects.toMatchObject({ code: 1 });
  });
});
