import { describe, expect, it } from 'vitest';
import { thrown } from './support/catch-error.js';
import { FrontDesk } from './support/front-desk.js';

describe('onQueuedBelow()', () => {
  const options = { streams: 1, runsInFlight: 1, queueLimit: 5 };

  it('lets producers add one run each, never more than the limit', async () => {
    const desk = new FrontDesk({ ...options, queueLimit: 2 });
    const produce = async () => {
      await desk.admission.onQueuedBelow(2);
      return desk.call();
    };
    const producers = Array.from({ length: 20 }, produce);
    while (desk.runs.length < 20 || desk.in('in flight').length > 0) {
      await desk.rest();
      for (const run of desk.in('in flight')) desk.finish(run);
    }
    expect((await Promise.all(producers)).map(({ state }) => state)).not.toContain('refused');
  });

  it('passes those that wait for a shorter queue', async () => {
    const desk = new FrontDesk(options);
    for (let run = 0; run < 4; run++) desk.call();
    const order: number[] = [];
    const watches = [1, 4, 2].map((limit) =>
      desk.admission.onQueuedBelow(limit).then(() => order.push(limit)),
    );
    await desk.drain();
    await Promise.all(watches);
    expect(order).toEqual([4, 2, 1]);
  });

  it('refuses a limit that no queue is below', () => {
    const { admission } = new FrontDesk(options);
    for (const limit of [0, -1, Number.NaN, '3' as never])
      expect(thrown(() => admission.onQueuedBelow(limit))).toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('onIdle()', () => {
  it('resolves at any time, for any number of callers', async () => {
    const desk = new FrontDesk({ streams: 1, runsInFlight: 1, queueLimit: 5 });
    await desk.admission.onIdle();
    const [first] = [desk.call(), desk.call()];
    let idle = 0;
    const callers = Array.from({ length: 100 }, () => desk.admission.onIdle().then(() => idle++));
    desk.finish(first!);
    await desk.rest();
    expect(idle).toBe(0);
    await desk.drain();
    await Promise.all(callers);
    expect(idle).toBe(100);
  });

  it('waits for runs that are called before it resolves, too', async () => {
    const desk = new FrontDesk({ streams: 1, runsInFlight: 1, queueLimit: 5 });
    const idle = desk.admission.onIdle().then(() => desk.in('in flight').length);
    const run = desk.call();
    await desk.rest();
    desk.finish(run);
    expect(await idle).toBe(0);
  });

  it('resolves after the promises of runs that gave up have settled', async () => {
    const desk = new FrontDesk({ streams: 1, runsInFlight: 1, queueLimit: 5 });
    desk.toggle(0);
    const run = desk.call();
    const idle = desk.admission.onIdle().then(() => run.state);
    run.controller.abort();
    expect(await idle).toBe('over');
  });
});
