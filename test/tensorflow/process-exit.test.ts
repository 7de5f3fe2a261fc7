import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/child-process.js';

const PREAMBLE = `
  const engine = await createEngine({ device: 'tensorflow', streams: 2 });
  const executable = await engine.compile(graph('n'));
  const run = (options) => executable.run(feeds, options);
`;

describe('a process that has loaded TensorFlow', () => {
  it.each([
    ['after close()', 'show((await run()).outputs.y.data[0]); await engine.close();', '-3'],
    ['when close() is forgotten', 'show((await run()).outputs.y.data[0]);', '-3'],
    ['when it exits in the middle', 'show("exits"); run(); process.exit(0);', 'exits'],
    [
      'after an engine closed and another made',
      `await engine.close();
      const next = await createEngine({ device: 'tensorflow' });
      show((await (await next.compile(graph('n'))).run(feeds)).outputs.y.data[0]);`,
      '-3',
    ],
  ])('ends well %s', async (_when, program, printed) => {
    expect(await runProgram(PREAMBLE + program)).toBe(printed);
  });

  it('prints nothing, and leaves the environment alone', async () => {
    const program = `
      show(Object.keys(process.env).filter((name) => name.startsWith('TF_CPP')).join());
      console.error = console.warn = console.info = show;
    `;
    expect(await runProgram(PREAMBLE + program)).toBe('');
  });
});
