/** Examples in Markdown, compiled against the built package as a reader's own program would be. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { linkDependencies, ROOT } from './link-dependencies.js';

/** One fenced block. */
export interface Example {
  /** Line of its first line of code, from 1. */
  readonly line: number;
  readonly code: string;
  /** Why it is neither compiled nor run, if its fence says so. */
  readonly notRun: string | undefined;
}

/** Fences of TypeScript and JavaScript, under whatever name. */
const FENCE = /^```(ts|tsx|typescript|js|jsx|javascript|mjs|mts)\b(.*)\n([\s\S]*?)^```$/gm;
const NOT_RUN = /^ not run: (\S.*)$/;

/**
 * The examples of a page in order. A fence `ts not run: <reason>` opts out.
 *
 * @throws when a fence says anything else, so that no example goes unseen
 */
export function examplesOf(markdown: string): Example[] {
  return [...markdown.matchAll(FENCE)].map(({ index, 1: language, 2: info, 3: code }) => {
    const line = markdown.slice(0, index).split('\n').length + 1;
    const notRun = NOT_RUN.exec(info!)?.[1];
    if (language === 'ts' && (info === '' || notRun !== undefined)) return { line, code: code!, notRun };
    throw new Error(
      `line ${line - 1}: expected \`\`\`ts or \`\`\`ts not run: <reason>, received ${language}${info}`,
    );
  });
}

const OPTIONS = {
  target: 'ES2023',
  lib: ['ES2023', 'ESNext.Disposable'],
  types: ['node'],
  module: 'NodeNext',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  noEmitOnError: true,
  outDir: 'built',
};

/** A folder in which examples are programs that import `curfew` by name. */
export class ExampleFolder {
  readonly #path: string;
  /** Names that the page's prose introduces. */
  readonly #given: readonly string[];

  private constructor(path: string, given: readonly string[]) {
    this.#path = path;
    this.#given = given;
  }

  /** @param prelude a module that exports what examples may use without declaring it */
  static async create(prelude: string): Promise<ExampleFolder> {
    const path = await mkdtemp(join(tmpdir(), 'curfew-examples-'));
    const modules = join(path, 'node_modules');
    await mkdir(modules);
    await linkDependencies(modules);
    await symlink(ROOT, join(modules, 'curfew'));
    await writeFile(join(path, 'package.json'), JSON.stringify({ type: 'module' }));
    await writeFile(join(path, 'prelude.ts'), prelude);
    const given = [...prelude.matchAll(/^export const (\w+)/gm)].map((match) => match[1]!);
    return new ExampleFolder(path, given);
  }

  /** Imports what the example takes for granted. Lines keep their numbers, so that messages name those of the page. */
  #moduleOf({ line, code }: Example): string {
    const names = this.#given.filter(
      (name) => new RegExp(`\\b${name}\\b`).test(code) && !new RegExp(`\\bconst ${name}\\b`).test(code),
    );
    const imports = names.length === 0 ? 'export {};' : `import { ${names.join(', ')} } from './prelude.js';`;
    return imports + '\n'.repeat(line - 1) + code;
  }

  /** Puts a file there that examples read. */
  async write(path: string, data: string | Uint8Array): Promise<void> {
    await mkdir(dirname(join(this.#path, path)), { recursive: true });
    await writeFile(join(this.#path, path), data);
  }

  /** Compiles examples under their names; gives the compiler's messages, '' when there are none. */
  async compile(examples: ReadonlyMap<string, Example>): Promise<string> {
    const files = [...examples.keys()].map((name) => `${name}.ts`);
    await Promise.all(
      [...examples].map(([name, example]) =>
        writeFile(join(this.#path, `${name}.ts`), this.#moduleOf(example)),
      ),
    );
    const config = { compilerOptions: OPTIONS, files: ['prelude.ts', ...files] };
    await writeFile(join(this.#path, 'tsconfig.json'), JSON.stringify(config));
    const { stdout, stderr } = await this.#node([
      join(ROOT, 'node_modules/typescript/bin/tsc'),
      '--pretty',
      'false',
    ]);
    return stdout + stderr;
  }

  /** Runs a compiled example in a process of its own. It must end by itself. */
  run(name: string): Promise<{ readonly failed: boolean; readonly stdout: string; readonly stderr: string }> {
    return this.#node([join('built', `${name}.js`)]);
  }

  #node(args: readonly string[]): Promise<{ failed: boolean; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      execFile(process.execPath, args, { cwd: this.#path, timeout: 50_000 }, (error, stdout, stderr) =>
        resolve({ failed: error !== null, stdout, stderr }),
      );
    });
  }

  remove(): Promise<void> {
    return rm(this.#path, { recursive: true, force: true });
  }
}
