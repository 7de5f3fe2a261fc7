/** Engines that are closed when the test, or the tests, that use them have ended, whatever their end. */
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { createEngineWithClock } from '../../runtime/create-engine.js';
import type { Engine } from '../../runtime/engine.js';
import type { EngineOptions } from '../../runtime/options.js';
import { type Clock, createSystemClock } from '../../scheduler/clock.js';
import { Puppet } from './puppet.js';

/** An engine for the current test. */
export async function startEngine(options: EngineOptions = {}, clock?: Clock): Promise<Engine> {
  const engine = await createEngineWithClock(options, clock ?? createSystemClock());
  onTestFinished(() => engine.close());
  return engine;
}

/** The same on a puppet device. */
export async function startPuppetEngine(
  options: EngineOptions = {},
  clock?: Clock,
): Promise<{ engine: Engine; puppet: Puppet }> {
  const puppet = new Puppet();
  const engine = await createEngineWithClock(
    { ...options, device: puppet.device },
    clock ?? createSystemClock(),
  );
  onTestFinished(() => {
    // A test that failed may have left a kernel paused, which close() would wait for.
    puppet.releaseAll();
    return engine.close();
  });
  return { engine, puppet };
}

/** One for all tests of a `describe` or a file: starting an engine takes longer than most tests. */
export function sharePuppetEngine(
  options: EngineOptions = {},
  clock: Clock = createSystemClock(),
): { readonly engine: Engine; readonly puppet: Puppet } {
  const puppet = new Puppet();
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngineWithClock({ ...options, device: puppet.device }, clock);
  });
  afterAll(() => {
    puppet.releaseAll();
    return engine.close();
  });
  return {
    puppet,
    get engine() {
      return engine;
    },
  };
}
