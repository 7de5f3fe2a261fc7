import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/child-process.js';

const PREAMBLE = `
  const engine = await createEngine({ device: 'tensorflow', streams: 2 });
  const executable = await engine.compile(graph('n'));
  const run = (options) => executable.run(feeds, options);
`;

const ENTRY = new URL('../../dist/runtime/index.js', import.meta.url).href;

/** What a process prints that runs a graph on TensorFlow. */
async function printedBy(environment: Record<string, string>) {
  const program = `
    import { createEngine, GraphBuilder } from '${ENTRY}';
    const builder = new GraphBuilder();
    builder.output('y', builder.kernel('Neg', { x: builder.input('x', { dtype: 'float32', shape: [1] }) }));
    const engine = await createEngine({ device: 'tensorflow' });
    const executable = await engine.compile(builder.build());
    await executable.run({ x: Float32Array.of(3) });
    await engine.close();
  `;
  const { TF_CPP_MIN_LOG_LEVEL: _, ...env } = process.env;
  const args = ['--input-type=module', '--eval', program];
  const options = { env: { ...env, ...environment } };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options);
  return { stdout, stderr };
}

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

  it('prints nothing, to stderr neither', async () => {
    expect(await printedBy({})).toEqual({ stdout: '', stderr: '' });
    // The library has something to say.
    expect((await printedBy({ TF_CPP_MIN_LOG_LEVEL: '0' })).stderr).not.toBe('');
  });

  it('leaves the environment alone', async () => {
    const program = "show(Object.keys(process.env).filter((name) => name.startsWith('TF_CPP')).join());";
    expect(await runProgram(PREAMBLE + program)).toBe('');
  });
});
