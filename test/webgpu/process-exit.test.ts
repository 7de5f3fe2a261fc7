/**
 * Ends of processes that use WebGPU: Dawn aborts those that end its threads in the middle of something. Each of them
 * `CURFEW_WEBGPU_ENDINGS` times, once by default.
 */
import { describe, expect, it } from 'vitest';
import { endOf } from '../support/child-process.js';

const TIMES = Number(process.env['CURFEW_WEBGPU_ENDINGS'] ?? 1);

const PREAMBLE = `
  const create = () => createEngine({ device: 'webgpu', streams: 2 });
  const engine = await create();
  const length = 256;
  const long = () => {
    const builder = new GraphBuilder();
    const spec = { dtype: 'float32', shape: [length, length] };
    const x = builder.input('x', spec);
    let value = x;
    for (let node = 0; node < 100; node++) value = builder.kernel('BatchMatMul', { a: value, b: x });
    return builder.output('y', value), builder.build();
  };
  const executable = await engine.compile(graph('n'));
  const run = (options) => executable.run(feeds, options);
  const started = async (options) => {
    const chain = await engine.compile(long());
    const running = chain.run({ x: new Float32Array(length * length).fill(1 / length) }, options);
    running.catch(() => undefined);
    while (engine.stats().runs.inFlight === 0) await new Promise(setImmediate);
    await new Promise((resolve) => setTimeout(resolve, 20));
    // Not the promise itself, which would be awaited.
    return { running };
  };
`;

const MODES = ["'none'", "'node'", '{ precisionMs: 4 }'];

const ENDINGS: readonly (readonly [when: string, program: string, printed: string, code?: number])[] = [
  ['after close()', 'show((await run()).outputs.y.data[0]); await engine.close();', '-3'],
  ['when close() is forgotten', 'show((await run()).outputs.y.data[0]);', '-3'],
  ['when nothing ever ran', 'show("idle");', 'idle'],
  ...MODES.flatMap((mode): typeof ENDINGS => [
    [
      `by process.exit() during a run in mode ${mode}`,
      `await started({ cancellation: ${mode} }); show("exits"); process.exit(5);`,
      'exits',
      5,
    ],
    [
      `by an uncaught error during a run in mode ${mode}`,
      `await started({ cancellation: ${mode} }); show("throws"); setImmediate(() => { throw new Error("mine"); });`,
      'throws',
      1,
    ],
    [
      `after destroy() during a run in mode ${mode}`,
      `const { running } = await started({ cancellation: ${mode} }); const code = codeOf(running);
       await engine.destroy(); await code;`,
      'ENGINE_CLOSED',
    ],
    [
      `after an abort in mode ${mode}`,
      `const abort = new AbortController();
       const { running } = await started({ cancellation: ${mode}, signal: abort.signal });
       abort.abort(); await codeOf(running);`,
      'ABORTED',
    ],
  ]),
  [
    'after close() during a run',
    'const { running } = await started(); const code = codeOf(running); await engine.close(); await code;',
    'resolved',
  ],
  [
    'after the close() of an engine that has just been asked for',
    'const second = create(); (await second).close(); show("closed"); await engine.close();',
    'closed',
  ],
  ['by process.exit() while an engine starts', 'create(); show("exits"); process.exit(5);', 'exits', 5],
  [
    'with two engines, one of them closed',
    'const second = await create(); await run(); await second.close(); show((await run()).outputs.y.data[0]);',
    '-3',
  ],
];

describe('a process that uses WebGPU', () => {
  it.each(ENDINGS)('ends well %s', async (_when, program, printed, code = 0) => {
    for (let time = 0; time < TIMES; time++)
      expect(await endOf(PREAMBLE + program)).toMatchObject({
        stdout: printed,
        code,
        signal: null,
      });
  });
});
