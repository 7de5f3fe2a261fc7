import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../runtime/create-engine.js';
import type { Engine } from '../runtime/engine.js';
import type { Executable } from '../runtime/executable.js';
import { rejection, runRejection } from './support/catch-error.js';
import { abortListeners } from './support/signals.js';
import { expectCorrectRun, FEEDS, thirtyNodes } from './support/thirty-nodes.js';

const refuse = () => {
  throw new Error('hands off');
};

/** A signal one of whose properties cannot be touched. */
function hostileSignal(property: string, controller = new AbortController()): AbortSignal {
  const isMethod = property.endsWith('Listener');
  const descriptor = isMethod ? { value: refuse } : { get: refuse };
  return Object.defineProperty(controller.signal, property, descriptor);
}

describe('a signal', () => {
  let engine: Engine;
  let executable: Executable;
  beforeAll(async () => {
    engine = await createEngine();
    executable = await engine.compile(thirtyNodes());
  });
  afterAll(() => engine.close());

  const expectServing = async () => {
    expect(engine.stats()).toMatchObject({ runs: { inFlight: 0, queued: 0 }, bytes: { live: 0 } });
    await expectCorrectRun(executable);
  };

  it.each(['addEventListener', 'aborted'])(
    'that throws at %s is refused: INVALID_OPTION',
    async (property) => {
      const signal = hostileSignal(property);
      const before = engine.stats().runs;
      for (const timeoutMs of [undefined, 60_000]) {
        const error = await rejection(executable.run(FEEDS, { signal, timeoutMs }));
        expect(error).toMatchObject({ code: 'INVALID_OPTION', expected: 'an AbortSignal' });
        expect(error.message).toContain(`signal.${property}`);
      }
      expect(engine.stats().runs).toEqual(before);
      expect(abortListeners(signal)).toBe(0);
      await expectServing();
    },
  );

  it('that throws at removeEventListener changes nothing', async () => {
    const { report } = await executable.run(FEEDS, { signal: hostileSignal('removeEventListener') });
    expect(report.outcome).toBe('completed');
    await expectServing();
  });

  it('that throws at reason aborts without one', async () => {
    const controller = new AbortController();
    const run = runRejection(executable.run(FEEDS, { signal: hostileSignal('reason', controller) }));
    controller.abort('because');
    const error = await run;
    expect([error.code, error.cause]).toEqual(['ABORTED', undefined]);
    const aborted = hostileSignal('reason', controller);
    expect((await runRejection(executable.run(FEEDS, { signal: aborted }))).code).toBe('ABORTED');
    await expectServing();
  });
});
