import { describe, expect, it } from 'vitest';
import type { CompileOptions } from '../runtime/compile-options.js';
import type { Engine } from '../runtime/engine.js';
import type { Executable } from '../runtime/executable.js';
import { rejection } from './support/catch-error.js';
import { startEngine, startPuppetEngine } from './support/engines.js';
import { FEEDS, thirtyNodes } from './support/thirty-nodes.js';
import { until } from './support/until.js';

function feedsThat(act: () => void): typeof FEEDS {
  return {
    get x() {
      act();
      return FEEDS.x;
    },
  };
}

/** Calls of `run()` that call the engine back while they read what they were given. */
const RUNS: readonly [string, (executable: Executable, act: () => void) => Promise<unknown>][] = [
  ['a feed', (executable, act) => executable.run(feedsThat(act))],
  [
    'an option',
    (executable, act) =>
      executable.run(FEEDS, {
        get priority() {
          act();
          return 0;
        },
      }),
  ],
];

function expectIdle(engine: Engine): void {
  const { runs, bytes } = engine.stats();
  expect([runs.inFlight, runs.queued, bytes.live]).toEqual([0, 0, 0]);
}

describe.each(RUNS)('within the getter of %s', (_what, run) => {
  it.each(['close', 'destroy'] as const)('%s() refuses the run that reads it', async (end) => {
    const { engine } = await startPuppetEngine();
    const executable = await engine.compile(thirtyNodes());
    let ended: Promise<void> | undefined;
    const error = await rejection(
      run(executable, () => {
        ended ??= engine[end]();
      }),
    );
    expect(error.code).toBe('ENGINE_CLOSED');
    await ended;
    expectIdle(engine);
  });

  it('dispose() lets the run that reads it finish, and frees the constants then', async () => {
    const { engine } = await startPuppetEngine();
    const executable = await engine.compile(thirtyNodes());
    await run(executable, () => executable.dispose());
    await until(() => engine.stats().bytes.constants === 0, 'the constants are freed');
    expect((await rejection(executable.run(FEEDS))).code).toBe('EXECUTABLE_DISPOSED');
    expect(engine.stats().streams[0]!.replaced).toBe(0);
    expectIdle(engine);
  });

  it('dispose() frees the constants when the run that reads it is refused', async () => {
    const { engine } = await startPuppetEngine();
    const executable = await engine.compile(thirtyNodes());
    const refused = run(executable, () => {
      executable.dispose();
      throw new Error('refused');
    });
    await expect(refused).rejects.toThrow('refused');
    await until(() => engine.stats().bytes.constants === 0, 'the constants are freed');
  });
});

describe('close() in a listener of a run that a getter called', () => {
  it('ends both runs', async () => {
    const { engine } = await startPuppetEngine();
    const executable = await engine.compile(thirtyNodes());
    engine.on('run:queued', () => void engine.close());
    let inner: Promise<unknown> | undefined;
    const outer = executable.run(
      feedsThat(() => {
        inner ??= rejection(executable.run(FEEDS));
      }),
    );
    expect((await rejection(outer)).code).toBe('ENGINE_CLOSED');
    await inner;
    await engine.close();
    expectIdle(engine);
  });
});

describe.each(['close', 'destroy'] as const)('%s() while compile() plans', (end) => {
  it.each<[string, (engine: Engine) => CompileOptions]>([
    [
      'in a getter of its options',
      (engine) => ({
        get name() {
          void engine[end]();
          return 'closing';
        },
      }),
    ],
    [
      'in its placement function',
      (engine) => ({
        placement: () => {
          void engine[end]();
          return 0;
        },
      }),
    ],
  ])('%s refuses the compilation', async (_where, options) => {
    // The virtual device takes programs at once, before it is closed.
    const engine = await startEngine({ device: 'virtual' });
    const compiled: unknown[] = [];
    engine.on('executable:compiled', (info) => compiled.push(info));
    const error = await rejection(engine.compile(thirtyNodes(), options(engine)));
    expect([error.code, compiled]).toEqual(['ENGINE_CLOSED', []]);
  });
});
