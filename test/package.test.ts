import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
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
  const device = await import('curfew/device');
  const { deviceChecks } = await import('curfew/device-testing');
  const checks = deviceChecks(() => { throw device.curfewError('DEVICE_UNAVAILABLE', 'none'); });
  const refused = await checks[0].run().catch(({ code }) => code);
  const inner = await import('curfew/dist/scheduler/plan.js').then(() => 'reachable', ({ code }) => code);
  console.log(JSON.stringify({ y: outputs.y.data[0], names: Object.keys(curfew), refused, inner }));
`;

/** What may be in `bench/` of a package: README shows it. */
const PICTURES = ['bench/demo/timeline.svg', 'bench/grain/curve.svg'];

const TIMELINE_PROGRAM = `
  import { writeFile } from 'node:fs/promises';
  import { createEngine, GraphBuilder } from 'curfew';
  import { compareTimelines, drawTimeline, readTimelineFile, stepStats } from 'curfew/timeline';
  const builder = new GraphBuilder();
  builder.output('y', builder.kernel('Neg', { x: builder.input('x', { dtype: 'float32', shape: [1] }) }));
  const engine = await createEngine({ device: 'virtual' });
  const executable = await engine.compile(builder.build());
  const { timeline } = await executable.run({ x: Float32Array.of(3) }, { timeline: true });
  await engine.close();
  await writeFile('timeline.json', JSON.stringify(timeline.toChromeTrace()));
  const [{ device, node_stats }] = stepStats(timeline).dev_stats;
  const { common } = compareTimelines(timeline, await readTimelineFile('timeline.json'));
  const svg = drawTimeline(timeline).slice(0, 5);
  console.log(JSON.stringify({ svg, nodes: node_stats.length, device, same: common.count }));
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

  it('runs a graph, exports the API by name, what devices are written with, and nothing from inside', async () => {
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
      cwd: folder,
    });
    const { y, names, refused, inner } = JSON.parse(stdout) as {
      y: number;
      names: string[];
      refused: string;
      inner: string;
    };
    expect(y).toBe(-3);
    expect(refused).toBe('DEVICE_UNAVAILABLE');
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

  it("draws, compares and reads timelines with 'curfew/timeline', whose types show no internals", async () => {
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', TIMELINE_PROGRAM], {
      cwd: folder,
    });
    expect(JSON.parse(stdout)).toEqual({ svg: '<svg ', nodes: 1, device: '/device:virtual:0', same: 1 });
    const types = join(folder, 'node_modules/curfew/dist/runtime/timeline');
    for (const name of ['timeline', 'engine-timeline', 'file/timeline-file']) {
      const text = await readFile(join(types, `${name}.d.ts`), 'utf8');
      expect(text).not.toMatch(/\b(?:constructor|source|view)\b/);
    }
  });

  /** Paths of the files in the package. */
  async function packedFiles(): Promise<string[]> {
    const packed = join(folder, 'node_modules/curfew');
    const entries = await readdir(packed, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    return files.map(({ parentPath, name }) =>
      relative(packed, join(parentPath, name)).replaceAll('\\', '/'),
    );
  }

  it('holds built files with their types, and neither sources, source maps, tests nor benchmarks', async () => {
    const files = await packedFiles();
    expect(files).toEqual(
      expect.arrayContaining([
        'dist/runtime/index.js',
        'dist/runtime/index.d.ts',
        'dist/runtime/device.d.ts',
        'dist/runtime/device-testing.d.ts',
        'DEVICES.md',
        'ERRORS.md',
      ]),
    );
    const foreign = files.filter((file) => /^(?:test|bench|dist\/test|dist\/bench)\b/.test(file));
    expect(foreign.sort()).toEqual([...PICTURES].sort());
    expect(files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))).toEqual([]);
    expect(files.filter((file) => file.endsWith('.map'))).toEqual([]);
    const scripts = files.filter((file) => file.endsWith('.js'));
    const texts = await Promise.all(
      scripts.map((file) => readFile(join(folder, 'node_modules/curfew', file), 'utf8')),
    );
    expect(scripts.filter((_, index) => texts[index]!.includes('sourceMappingURL'))).toEqual([]);
  });

  it('holds a file for each that was built, and for each link of its pages', async () => {
    const files = await packedFiles();
    const sources = ['runtime', 'scheduler', 'kernels'].map(async (name) =>
      ((await readdir(join(ROOT, name), { recursive: true })) as string[])
        .filter((file) => file.endsWith('.ts'))
        .map((file) => `dist/${name}/${file.replaceAll('\\', '/').replace(/\.ts$/, '.js')}`),
    );
    const expected = (await Promise.all(sources)).flat().sort();
    expect(files.filter((file) => file.endsWith('.js')).sort()).toEqual(expected);
    const pages = files.filter((file) => file.endsWith('.md'));
    const texts = await Promise.all(pages.map((page) => readFile(join(ROOT, page), 'utf8')));
    const links = [...texts.join('\n').matchAll(/\]\(([^)#]+)/g)].map((match) => match[1]!);
    const local = links.filter((link) => !/^\w+:/.test(link));
    for (const picture of PICTURES) expect(local).toContain(picture);
    expect(local.filter((link) => !files.includes(link))).toEqual([]);
  });

  it('is installed as README says: with every peer that is not optional, in the version it needs', async () => {
    const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    const { peerDependencies, peerDependenciesMeta, engines } = manifest;
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
    const needed = Object.entries(peerDependencies).filter(([name]) => !peerDependenciesMeta[name]?.optional);
    const peers = needed.map(([name, version]) => `${name}@${version}`);
    expect(readme).toContain(`npm install curfew ${peers.join(' ')}\n`);
    expect(readme).toContain(`Node.js ${engines.node.replace('>=', '')} or later`);
  });
});

describe('the build', () => {
  let project: string;
  const path = (name: string) => join(project, name);
  const build = () => run(process.execPath, [path('.ci/build.mjs')]);

  /** A project of two files with this one's configuration. */
  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'curfew-build-'));
    await mkdir(path('runtime'));
    await writeFile(path('runtime/kept.ts'), 'export const kept: number = 1;');
    await writeFile(path('runtime/changed.ts'), 'export const changed: number = 1;');
    for (const name of ['.ci/build.mjs', 'tsconfig.json', 'tsconfig.build.json', 'package.json']) {
      await cp(join(ROOT, name), path(name));
    }
    await symlink(join(ROOT, 'node_modules'), path('node_modules'));
    await build();
  });
  afterAll(() => rm(project, { recursive: true, force: true }));

  it('removes what no source stands behind, and leaves files alone that stay the same', async () => {
    const before = await stat(path('dist/runtime/kept.js'));
    await mkdir(path('dist/gone/deep'), { recursive: true });
    await writeFile(path('dist/gone/deep/stale.js'), '');
    await writeFile(path('dist/runtime/stale.js'), '');
    await writeFile(path('runtime/changed.ts'), 'export const changed: number = 2;');
    await build();
    const files = ['changed.d.ts', 'changed.js', 'kept.d.ts', 'kept.js'];
    expect(await readdir(path('dist'))).toEqual(['runtime']);
    expect((await readdir(path('dist/runtime'))).sort()).toEqual(files);
    expect(await readFile(path('dist/runtime/changed.js'), 'utf8')).toContain('changed = 2');
    const after = await stat(path('dist/runtime/kept.js'));
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  });

  it('leaves everything as it was when compiling fails', async () => {
    const before = await readFile(path('dist/runtime/changed.js'), 'utf8');
    await writeFile(path('runtime/changed.ts'), "export const changed: number = 'three';");
    await expect(build()).rejects.toMatchObject({ stdout: expect.stringContaining('not assignable') });
    expect(await readFile(path('dist/runtime/changed.js'), 'utf8')).toBe(before);
    expect((await readdir(project)).filter((name) => name.startsWith('dist'))).toEqual(['dist']);
  });
});
