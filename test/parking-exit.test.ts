/** Threads that must park are parked before their process ends, however it does. */
import { describe, expect, it } from 'vitest';
import { endOf, inThread } from './support/child-process.js';

const MODULE = new URL('./support/devices/parking.mjs', import.meta.url).href;

/** The words of `support/parking-device.ts`. What runs last shows whether all threads were parked. */
const PREAMBLE = `
  import { writeSync } from 'node:fs';
  const words = new Int32Array(new SharedArrayBuffer(9 * 4));
  const [STARTING, CREATED, WAITING, MADE, PARK_CALLS, IDLE, GATE, WAIT, PARK] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const start = (starts = []) =>
    createEngine({ device: { module: new URL('${MODULE}'), options: { strings: words.buffer, starts } }, streams: 2 });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const until = async (condition) => { while (!condition()) await turn(); };
  const showParked = () =>
    process.on('exit', () => writeSync(1, words[IDLE] + ' of ' + words[CREATED] + '\\n'));
  const startWaiting = async (wait) => {
    const engine = await start();
    const executable = await engine.compile(graph('n'));
    words[WAIT] = wait;
    executable.run(feeds).catch(({ code }) => show(code));
    await until(() => words[WAITING] > 0);
    showParked();
    return engine;
  };
  const [RETURNS, LOOKS, TURNS, HANGS] = [0, 1, 2, 3];
`;

const end = (program: string) => endOf(PREAMBLE + program);

describe('a process whose threads must park', () => {
  it.each([
    ['a natural end', 'await start(); showParked();', 0],
    ['process.exit() with idle threads', 'await start(); showParked(); process.exit(5);', 5],
    ['process.exit() while a device waits by itself', 'await startWaiting(LOOKS); process.exit(5);', 5],
    ['process.exit() during an asynchronous wait', 'await startWaiting(TURNS); process.exit(5);', 5],
    [
      'process.exit() while they make their devices',
      `process.on('exit', () => { words[GATE] = 1; });
      start(['slow', 'slow']); await until(() => words[STARTING] === 2); showParked(); process.exit(5);`,
      5,
    ],
    ['process.exit() before they have loaded their devices', 'start(); showParked(); process.exit(5);', 5],
    [
      'process.exit() after close() was called',
      '(await startWaiting(LOOKS)).close({ withinMs: 0 }); await turn(); process.exit(5);',
      5,
    ],
    [
      'an uncaught error with idle threads',
      'await start(); showParked(); throw new Error("nobody catches");',
      1,
    ],
    [
      'an uncaught error in the middle of a run',
      'await startWaiting(LOOKS); setImmediate(() => { throw new Error("nobody catches"); });',
      1,
    ],
    [
      'a rejection that nobody handles',
      'await startWaiting(TURNS); Promise.reject(new Error("nobody catches"));',
      1,
    ],
  ])('parks them before %s', async (_how, program, code) => {
    const { stdout, stderr, ...ended } = await end(program);
    expect(ended, stderr).toEqual({ code, signal: null });
    const [, idle, created] = /^(\d) of (\d)$/.exec(stdout) ?? [stdout];
    expect(idle).toBe(created);
    expect(stderr).not.toContain('curfew:');
  });

  it('has nothing left to do at its end once the engine is closed', async () => {
    const program = `
      const before = process.listenerCount('exit');
      const engine = await start();
      show(process.listenerCount('exit') - before);
      await engine.close();
      show(process.listenerCount('exit') - before);`;
    const { stdout, ...ended } = await end(program);
    expect(ended).toEqual({ code: 0, signal: null, stderr: '' });
    expect(stdout).toBe('1\n0');
  });

  it.each([
    [
      'that is never idle',
      'const engine = await start(); words[PARK] = 1; process.exit(5);',
      '2 threads hang',
    ],
    ['that hangs', 'await startWaiting(HANGS); process.exit(5);', 'a thread hangs'],
    [
      'that was abandoned',
      'const engine = await startWaiting(HANGS); await engine.destroy();',
      'a thread hangs',
    ],
  ])('ends by a signal, and says so, with a thread %s', async (_how, program, said) => {
    const { code, signal, stderr } = await end(program);
    expect([code, signal]).toEqual([null, 'SIGKILL']);
    expect(stderr).toBe(`curfew: ${said} in a device and cannot be ended: the process ends with SIGKILL`);
  });
});

describe("a thread of the caller's with an engine of its own", () => {
  it.each([
    ['process.exit() with idle threads', 'await start(); showParked(); process.exit(7);', 7],
    ['process.exit() in the middle of a run', 'await startWaiting(LOOKS); process.exit(7);', 7],
    ['a natural end', 'await start(); showParked();', 0],
  ])('parks the threads of its engine before %s', async (_how, program, code) => {
    const { stdout, ...ended } = await endOf(inThread(PREAMBLE + program));
    expect(ended).toEqual({ code: 0, signal: null, stderr: '' });
    expect(stdout).toBe(`2 of 2\nthread ${code}`);
  });

  it('does not end the process when one hangs', async () => {
    const hangs = `
      const engine = await start(); words[PARK] = 1;
      process.on('exit', () => { words[PARK] = 0; });
      process.exit(7);`;
    const { stdout, ...ended } = await endOf(inThread(PREAMBLE + hangs));
    expect(ended).toEqual({ code: 0, signal: null, stderr: '' });
    expect(stdout).toBe('thread 7');
  });
});
