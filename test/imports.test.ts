/** The layout rules: who may import whom, and who may look at the time. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['runtime', 'scheduler', 'kernels', 'test', 'bench'] as const;

/** What kernels may know of the scheduler: contracts and the data they are about, not graphs being checked or planned. */
const CONTRACTS = new Set(
  [
    'cancellation',
    'chunks',
    'clock',
    'device',
    'device-wait',
    'errors',
    'graph',
    'kernel',
    'limits',
    'node-loop',
    'program',
    'queued-loop',
    'quote',
    'segment-execution',
    'shared-memory',
    'stream',
    'stream-timeline',
    'tensor',
    'timeline-record',
    'work-queue',
  ].map((name) => `scheduler/${name}.ts`),
);

interface Source {
  /** Path from the root, with slashes. */
  readonly path: string;
  /** Without comments. */
  readonly code: string;
  /** Local files it imports, for values or for types, by path. */
  readonly imports: readonly string[];
  /** Those that it needs when it runs, not for types alone. */
  readonly valueImports: readonly string[];
}

function withoutComments(text: string): string {
  return text.replace(/\/\*.*?\*\//gs, '').replace(/^\s*\/\/.*$/gm, '');
}

/** Static and dynamic imports of relative paths, types included; and those through the package's own names. */
function localImports(path: string, code: string): string[] {
  const specifiers = [...code.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1]!);
  return specifiers.flatMap((specifier) => {
    if (specifier.startsWith('.')) return [normalize(join(dirname(path), specifier)).replace(/\.js$/, '.ts')];
    return specifier.startsWith('#kernels/') ? [specifier.replace('#', '').replace(/\.js$/, '.ts')] : [];
  });
}

function readSources(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      const path = relative(ROOT, file).replaceAll('\\', '/');
      const code = withoutComments(readFileSync(file, 'utf8'));
      const values = code.replace(/(?:import|export) type [^;]*;/g, '');
      return { path, code, imports: localImports(path, code), valueImports: localImports(path, values) };
    });
}

const sources = FOLDERS.flatMap(readSources);
const folderOf = (path: string): string => path.split('/')[0]!;

/** `importer → imported` for each import that breaks a rule. */
function violations(isWrong: (importer: string, imported: string) => boolean): string[] {
  return sources.flatMap(({ path, imports }) =>
    imports.filter((imported) => isWrong(path, imported)).map((imported) => `${path} → ${imported}`),
  );
}

/** Cycles of a graph of imports, each as a trail: one at least for every group of files that import each other. */
function cyclesOf(importsOf: ReadonlyMap<string, readonly string[]>): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
    if (done.has(path) || trail.includes(path)) return;
    for (const imported of importsOf.get(path) ?? []) visit(imported, [...trail, path]);
    done.add(path);
  };
  for (const path of importsOf.keys()) visit(path, []);
  return cycles;
}

describe('imports', () => {
  it('are found at all', () => {
    const count = (folder: string) =>
      sources.filter(({ path }) => folderOf(path) === folder).flatMap(({ imports }) => imports).length;
    for (const folder of ['runtime', 'scheduler', 'kernels', 'test'])
      expect(count(folder)).toBeGreaterThan(10);
  });

  it('of scheduler/ stay inside it', () => {
    expect(
      violations(
        (importer, imported) => folderOf(importer) === 'scheduler' && folderOf(imported) !== 'scheduler',
      ),
    ).toEqual([]);
  });

  it('of kernels/ stay inside it, but for the contracts of scheduler/', () => {
    expect(
      violations(
        (importer, imported) =>
          folderOf(importer) === 'kernels' && folderOf(imported) !== 'kernels' && !CONTRACTS.has(imported),
      ),
    ).toEqual([]);
  });

  it('of runtime/ reach runtime/, kernels/ and scheduler/ only', () => {
    const allowed = new Set(['runtime', 'kernels', 'scheduler']);
    expect(
      violations(
        (importer, imported) => folderOf(importer) === 'runtime' && !allowed.has(folderOf(imported)),
      ),
    ).toEqual([]);
  });

  it('of runtime/ come from runtime/, test/ and bench/ only', () => {
    const allowed = new Set(['runtime', 'test', 'bench']);
    expect(
      violations(
        (importer, imported) => folderOf(imported) === 'runtime' && !allowed.has(folderOf(importer)),
      ),
    ).toEqual([]);
  });

  it("of what devices are written with reach scheduler/ alone, as every stream's worker loads them", () => {
    expect(
      violations(
        (importer, imported) => importer === 'runtime/device.ts' && folderOf(imported) !== 'scheduler',
      ),
    ).toEqual([]);
  });

  it('of the checks of devices come from their entry, test/ and bench/ only', () => {
    const isCheck = (path: string) => path.startsWith('runtime/device-testing');
    const allowed = new Set(['test', 'bench']);
    expect(
      violations(
        (importer, imported) => isCheck(imported) && !isCheck(importer) && !allowed.has(folderOf(importer)),
      ),
    ).toEqual([]);
  });

  it('of the set-up come from the program and test/ only, and those of its files come without packages', () => {
    const isSetup = (path: string) => path.startsWith('runtime/setup/');
    expect(
      violations(
        (importer, imported) =>
          isSetup(imported) &&
          !isSetup(importer) &&
          importer !== 'runtime/cli.ts' &&
          folderOf(importer) !== 'test',
      ),
    ).toEqual([]);
    const setup = sources.filter(
      ({ path }) => isSetup(path) || /^kernels\/(?:\w+\/installation|cache-folder)\.ts$/.test(path),
    );
    expect(setup.length).toBeGreaterThan(10);
    const withPackage = setup.filter(({ code }) => /(?:from|import)\s*\(?\s*'(?!\.|node:)/.test(code));
    expect(withPackage.map(({ path }) => path)).toEqual([]);
  });

  it('of scheduler/ files use no package and nothing of Node', () => {
    const bare = sources
      .filter(({ path }) => folderOf(path) === 'scheduler')
      .filter(({ code }) => /(?:from|import)\s*\(?\s*'[^.]/.test(code));
    expect(bare.map(({ path }) => path)).toEqual([]);
  });

  it("of 'curfew' leave what 'curfew/timeline' exports unloaded", () => {
    const importsOf = new Map(sources.map(({ path, valueImports }) => [path, valueImports]));
    const loadedBy = (entry: string): ReadonlySet<string> => {
      const loaded = new Set<string>([entry]);
      for (const path of loaded) for (const imported of importsOf.get(path) ?? []) loaded.add(imported);
      return loaded;
    };
    const isLeaf = (path: string) =>
      /^runtime\/timeline\/(?:picture|file|compare|step-stats|index)\b/.test(path);
    expect([...loadedBy('runtime/timeline/index.ts')].filter(isLeaf).length).toBeGreaterThan(10);
    expect([...loadedBy('runtime/index.ts')].filter(isLeaf)).toEqual([]);
  });

  it('form no cycle, types included', () => {
    expect(
      cyclesOf(
        new Map([
          ['a', ['b', 'c']],
          ['b', ['a']],
          ['c', ['c']],
        ]),
      ),
    ).toEqual(['a → b → a', 'c → c']);
    expect(cyclesOf(new Map(sources.map(({ path, imports }) => [path, imports])))).toEqual([]);
  });
});

describe('time, timers and randomness', () => {
  const TIME = /\bDate\b|(?<!-)\bperformance\b|\bset(?:Timeout|Interval)\b|\bMath\.random\b|\bhrtime\b/;

  it('are touched by scheduler/clock.ts alone', () => {
    const product = sources.filter(({ path }) =>
      ['runtime', 'kernels', 'scheduler'].includes(folderOf(path)),
    );
    const touching = product.filter(({ code }) => TIME.test(code)).map(({ path }) => path);
    expect(touching).toEqual(['scheduler/clock.ts']);
  });
});
