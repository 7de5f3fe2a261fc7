import { describe, expect, it } from 'vitest';
import { runProgram } from './support/child-process.js';

/** What a program does around `close()`, and what it prints; it has to end by itself with exit code 0. */
const PROGRAMS: readonly [string, string, string][] = [
  [
    'while it compiles',
    `const engine = await createEngine({ streams: 2 });
    const compilations = [1, 2, 3].map(() => engine.compile(graph('n')));
    await engine.close();
    const settled = await Promise.allSettled(compilations);
    show(settled.every(({ reason }) => reason === undefined || reason.code === 'ENGINE_CLOSED'));
    show('closed');`,
    'true closed',
  ],
  [
    'while it compiles, and nobody waits for the compilation',
    `const engine = await createEngine();
    engine.compile(graph('n')).catch(() => {});
    await engine.close();
    show('closed');`,
    'closed',
  ],
  [
    'while a replacement starts',
    `const engine = await createEngine({ device: acting, streams: 2 });
    const dying = await engine.compile(graph('exit'));
    await codeOf(dying.run(feeds));
    await engine.close();
    show('closed');`,
    'DEVICE_LOST closed',
  ],
  [
    'in the event of a replacement',
    `const engine = await createEngine({ device: acting });
    const dying = await engine.compile(graph('exit'));
    let closing;
    engine.on('stream:replaced', () => { closing = engine.close(); });
    await codeOf(dying.run(feeds));
    await closing;
    show('closed');`,
    'DEVICE_LOST closed',
  ],
  [
    'inside run:dispatched',
    `const engine = await createEngine();
    const executable = await engine.compile(graph('n'));
    let closing;
    engine.on('run:dispatched', () => { closing = engine.close(); });
    show((await executable.run(feeds)).outputs.y.data[0]);
    await closing;
    show('closed');`,
    '-3 closed',
  ],
  [
    'inside run:queued, of a run that could start at once',
    `const engine = await createEngine();
    const executable = await engine.compile(graph('n'));
    let closing;
    engine.on('run:queued', () => { closing = engine.close(); });
    await codeOf(executable.run(feeds));
    await closing;
    show('closed');`,
    'ENGINE_CLOSED closed',
  ],
  [
    'inside run:settled, with a run waiting',
    `const engine = await createEngine({ runsInFlight: 1 });
    const executable = await engine.compile(graph('n'));
    let closing;
    engine.on('run:settled', () => { closing ??= engine.close(); });
    const runs = [1, 2, 3, 4].map(() => executable.run(feeds));
    const settled = await Promise.allSettled(runs);
    await closing;
    show(settled[0].status);
    show(settled[3].reason.code);
    show('closed');`,
    'fulfilled ENGINE_CLOSED closed',
  ],
  [
    'with a limit, and a kernel that never ends',
    `const engine = await createEngine({ device: acting });
    const looping = await engine.compile(graph('loop'));
    const run = codeOf(looping.run(feeds));
    await engine.close({ withinMs: 50 });
    await run;
    show('closed');`,
    'ENGINE_CLOSED closed',
  ],
  [
    'with a limit, and a host node that never ends',
    `const engine = await createEngine();
    const hanging = await engine.compile(hostGraph(() => new Promise(() => {})));
    const run = codeOf(hanging.run({}));
    await engine.close({ withinMs: 50 });
    await run;
    show('closed');`,
    'ENGINE_CLOSED closed',
  ],
  [
    'by destroy(), with a kernel that never ends and runs waiting behind it',
    `const engine = await createEngine({ device: acting });
    const looping = await engine.compile(graph('loop'));
    const runs = [1, 2, 3, 4].map(() => codeOf(looping.run(feeds, { timeoutMs: 60000 })));
    await engine.destroy();
    await Promise.all(runs);
    show('closed');`,
    'ENGINE_CLOSED ENGINE_CLOSED ENGINE_CLOSED ENGINE_CLOSED closed',
  ],
  [
    'by destroy() inside run:dispatched, with a host node that never ends',
    `const engine = await createEngine();
    const hanging = await engine.compile(hostGraph(() => new Promise(() => {})));
    let closing;
    engine.on('run:dispatched', () => { closing = engine.destroy(); });
    await codeOf(hanging.run({}));
    await closing;
    show('closed');`,
    'ENGINE_CLOSED closed',
  ],
  [
    'by destroy() inside a host function that never ends',
    `const engine = await createEngine();
    let closing;
    const hanging = await engine.compile(
      hostGraph(() => { closing = engine.destroy(); return new Promise(() => {}); }));
    await codeOf(hanging.run({}));
    await closing;
    show('closed');`,
    'ENGINE_CLOSED closed',
  ],
  [
    'by destroy() while an aborted run in mode none loops in a kernel',
    `const engine = await createEngine({ device: acting });
    const looping = await engine.compile(graph('loop'));
    const controller = new AbortController();
    const run = codeOf(looping.run(feeds, { signal: controller.signal, cancellation: 'none' }));
    controller.abort();
    setImmediate(() => engine.destroy().then(() => show('closed')));
    await run;`,
    'ENGINE_CLOSED closed',
  ],
];

describe('an engine closed', () => {
  it.each(PROGRAMS)('%s lets its process end', async (_when, program, printed) => {
    // Promises that nobody waits for may settle after the close.
    expect((await runProgram(program)).split('\n').toSorted()).toEqual(printed.split(' ').toSorted());
  });
});
