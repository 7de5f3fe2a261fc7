import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linkDependencies, ROOT } from './support/link-dependencies.js';

const run = promisify(execFile);

const PROGRAM = `
  import * as curfew from 'curfew';
  const { createEngine, GraphBuilder } = curfew;
  const builder = new GraphBuilder();
  builder.output('y', builder.kernel('Neg', { x: builder.input('x', { dtype: 'float32', shape: [1] }) }));
  const engine = await createEngine();
  const executable = await engine.compile(builder.build());
  const { outputs } = await executable.run({ x: Float32Array.of(3) });
  await engine.close();
  const inner = await import('curfew/dist/scheduler/plan.js').then(() => 'reachable', ({ code }) => code);
  console.log(JSON.stringify({ y: outputs.y.data[0], names: Object.keys(curfew), inner }));
`;

let folder: string;

describe('the packed package', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'curfew-package-'));
    const modules = join(folder, 'node_modules');
    await mkdir(join(modules, 'curfew'), { recursive: true });
    const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
    const { stdout } = await run('npm', pack, { cwd: ROOT });
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
    await run('tar', ['-xzf', join(folder, filename), '--strip-components=1', '-C', join(modules, 'curfew')]);
    await linkDependencies(modules);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('runs a graph, exports the API by name, and nothing from inside', async () => {
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
      cwd: folder,
    });
    const { y, names, inner } = JSON.parse(stdout) as { y: number; names: string[]; inner: string };
    expect(y).toBe(-3);
    expect(names).toEqual(
      expect.arrayContaining([
        'createEngine',
        'GraphBuilder',
        'trace',
        'CurfewError',
        'DeadlineExceededError',
        'RunAbortedError',
      ]),
    );
    expect(inner).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  it('holds built files with their types, and neither sources, tests nor benchmarks', async () => {
    const files = (await readdir(join(folder, 'node_modules/curfew'), { recursive: true })) as string[];
    expect(files).toEqual(
      expect.arrayContaining(['dist/runtime/index.js', 'dist/runtime/index.d.ts', 'ERRORS.md']),
    );
    expect(files.filter((file) => /^(?:test|bench|dist\/test|dist\/bench)\b/.test(file))).toEqual([]);
    expect(files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))).toEqual([]);
  });
});
