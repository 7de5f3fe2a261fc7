import { describe, expect, it } from 'vitest';
import { runProgram } from './support/child-process.js';

const PREAMBLE = `
  const engine = await createEngine({ streams: 2 });
  const executable = await engine.compile(graph('n'));
  const run = (options) => executable.run(feeds, options);
`;

describe('a process', () => {
  it.each([
    ['after close()', 'show((await run()).outputs.y.data[0]); await engine.close();', '-3'],
    ['when close() is forgotten', 'show((await run({ timeoutMs: 60000 })).outputs.y.data[0]);', '-3'],
    ['when nothing ever ran', 'show("idle");', 'idle'],
    ['after a run that nobody waited for', 'run().then(({ outputs }) => show(outputs.y.data[0]));', '-3'],
    ['after a stopped run', 'await codeOf(run({ timeoutMs: 0 }));', 'DEADLINE_EXCEEDED'],
  ])('ends by itself %s', async (_when, program, printed) => {
    expect(await runProgram(PREAMBLE + program)).toBe(printed);
  });
});
