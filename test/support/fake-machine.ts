/** A machine to set devices up on: fake programs on its path, and an index of tiny packages. */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PinnedPackage } from '../../runtime/setup/pins.js';

const TOOL = fileURLToPath(new URL('./fake-setup-tool.mjs', import.meta.url));
export const BUILT = new URL('../../dist/', import.meta.url).href;
export const CLI = fileURLToPath(new URL('runtime/cli.js', BUILT));

const made = new Map<string, Buffer>();

/** The bytes of a file that is made the first time it is asked for. */
export function once(name: string, make: (path: string) => void): Buffer {
  if (!made.has(name)) {
    const folder = mkdtempSync(join(tmpdir(), 'curfew-setup-'));
    make(join(folder, name));
    made.set(name, readFileSync(join(folder, name)));
    rmSync(folder, { recursive: true });
  }
  return made.get(name)!;
}

export class FakeMachine {
  readonly folder = mkdtempSync(join(tmpdir(), 'curfew-setup-'));
  readonly cache: string;
  /** All that was reported. */
  readonly lines: string[] = [];
  /** What FAKE_… variables say. */
  readonly variables: Record<string, string> = {};
  readonly #device: string;

  constructor(device: string, cache = 'cache') {
    this.#device = device;
    this.cache = join(this.folder, cache);
    for (const name of ['index', 'bin', cache]) mkdirSync(join(this.folder, name));
    this.writeTool('npm', 'npm');
  }

  protected writeProgram(name: string, command: string): void {
    const file = join(this.folder, 'bin', name);
    writeFileSync(file, `#!/bin/sh\n${command}\n`);
    chmodSync(file, 0o755);
  }

  protected writeTool(name: string, role: string, before = ''): void {
    this.writeProgram(name, `${before}\nexec '${process.execPath}' '${TOOL}' ${role} "$@"`);
  }

  /** A program for Node.js that plays a role, in a file. */
  protected writeScript(name: string, role: string, replaced = 0): string {
    const file = join(this.folder, name);
    writeFileSync(file, `process.argv.splice(2, ${replaced}, '${role}');\nawait import('${TOOL}');\n`);
    return file;
  }

  /** Takes a program away. */
  remove(program: string): void {
    rmSync(join(this.folder, 'bin', program));
  }

  protected addToIndex(file: string, bytes: Uint8Array): void {
    writeFileSync(join(this.folder, 'index', file), bytes);
  }

  /** A package of npm's in the index, with these files. */
  protected makePackage(
    name: string,
    files: Readonly<Record<string, string | Uint8Array>>,
  ): PinnedPackage & { readonly bytes: number; readonly keptBytes: number } {
    const file = `${name}-9.9.tgz`;
    const bytes = once(file, (path) => {
      const root = dirname(path);
      for (const [member, content] of Object.entries(files)) {
        mkdirSync(dirname(join(root, 'package', member)), { recursive: true });
        writeFileSync(join(root, 'package', member), content);
      }
      execFileSync('tar', ['-czf', path, '-C', root, 'package']);
    });
    this.addToIndex(file, bytes);
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
    return { requirement: `${name}@9.9`, file, integrity, bytes: bytes.byteLength, keptBytes: 30 };
  }

  get environment(): NodeJS.ProcessEnv {
    return { PATH: join(this.folder, 'bin'), FAKE_FOLDER: this.folder, ...this.variables };
  }

  protected startNode(args: readonly string[], variables: Readonly<Record<string, string>>) {
    const child = spawn(process.execPath, args, {
      env: { ...this.environment, ...variables },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
    const ended = new Promise<number | NodeJS.Signals>((resolve) => {
      child.on('close', (code, signal) => resolve(code ?? signal!));
    });
    return { child, output, ended };
  }

  /** The process of the program that does not end, once it has got there. */
  reached(): number | undefined {
    const file = join(this.folder, 'reached');
    return existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
  }

  /** The stages that programs were called for, in order. */
  calls(): string[] {
    const file = join(this.folder, 'calls');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  }

  /** What lies in a folder of the cache. */
  list(folder: string): string[] {
    const path = join(this.cache, this.#device, folder);
    return existsSync(path) ? readdirSync(path).sort() : [];
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
