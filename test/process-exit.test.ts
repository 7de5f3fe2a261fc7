import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const ENTRY = new URL('../dist/runtime/index.js', import.meta.url).href;
const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** A process that has not ended by then is killed, which fails the test. */
const LIMIT_MS = 30_000;

const PREAMBLE = `
  import { createEngine, GraphBuilder } from '${ENTRY}';
  const builder = new GraphBuilder();
  builder.output('y', builder.kernel('Neg', { x: builder.input('x', { dtype: 'float32', shape: [1] }) }));
  const engine = await createEngine({ streams: 2 });
  const executable = await engine.compile(builder.build());
  const run = (options) => executable.run({ x: Float32Array.of(3) }, options);
`;

/** Runs a program in a process of its own; gives what it printed when it has ended by itself. */
async function runProgram(program: string): Promise<string> {
  const args = ['--expose-gc', '--input-type=module', '--eval', PREAMBLE + program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, timeout: LIMIT_MS });
  return stdout.trim();
}

describe('a process', () => {
  it.each([
    ['after close()', 'console.log((await run()).outputs.y.data[0]); await engine.close();', '-3'],
    ['when close() is forgotten', 'console.log((await run({ timeoutMs: 60000 })).outputs.y.data[0]);', '-3'],
    ['when nothing ever ran', 'console.log("idle");', 'idle'],
    [
      'after a run that nobody waited for',
      'run().then(({ outputs }) => console.log(outputs.y.data[0]));',
      '-3',
    ],
    [
      'after a stopped run',
      'await run({ timeoutMs: 0 }).catch(({ code }) => console.log(code));',
      'DEADLINE_EXCEEDED',
    ],
  ])('ends by itself %s', async (_when, program, printed) => {
    expect(await runProgram(program)).toBe(printed);
  });
});
