/** A machine to set TensorFlow up on: fake programs on its path, and an index of tiny wheels. */
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
import type { Pins, Wheel } from '../../runtime/setup/pins.js';
import type { Machine } from '../../runtime/setup/platform.js';
import type { LibrarySource, SetupOptions } from '../../runtime/setup/task.js';
import { setUpTensorflow } from '../../runtime/setup/tensorflow.js';
import { createSystemClock } from '../../scheduler/clock.js';

const TOOL = fileURLToPath(new URL('./fake-setup-tool.mjs', import.meta.url));
const BUILT = new URL('../../dist/', import.meta.url).href;
const CLI = fileURLToPath(new URL('runtime/cli.js', BUILT));

/** The one that unpacks; `undefined` where there is none. */
export const PYTHON = findPython();

function findPython(): string | undefined {
  try {
    return execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

const made = new Map<string, Buffer>();

/** The bytes of a file that is made the first time it is asked for. */
function once(name: string, make: (path: string) => void): Buffer {
  if (!made.has(name)) {
    const folder = mkdtempSync(join(tmpdir(), 'curfew-setup-'));
    make(join(folder, name));
    made.set(name, readFileSync(join(folder, name)));
    rmSync(folder, { recursive: true });
  }
  return made.get(name)!;
}

export const LINUX: Machine = { platform: 'linux', arch: 'x64', glibc: '2.36', hasNvidiaDriver: false };

const PROGRAM = `
  const { setUpTensorflow } = await import('${BUILT}runtime/setup/tensorflow.js');
  const { createSystemClock } = await import('${BUILT}scheduler/clock.js');
  const options = JSON.parse(process.env.FAKE_OPTIONS);
  const given = { environment: process.env, clock: createSystemClock(), signal: new AbortController().signal };
  await setUpTensorflow({ ...options, ...given, report: console.log });
`;

/** Stages of a set-up at which it can be killed, or its program can fail. */
export const STAGES = ['download', 'unpack', 'pack', 'build', 'load'] as const;
export type Stage = (typeof STAGES)[number];

export class FakeSetup {
  readonly folder = mkdtempSync(join(tmpdir(), 'curfew-setup-'));
  readonly cache: string;
  pins: Pins;
  machine: Machine = LINUX;
  /** All that was reported, and what FAKE_… variables say. */
  readonly lines: string[] = [];
  readonly variables: Record<string, string> = {};

  constructor(cache = 'cache') {
    this.cache = join(this.folder, cache);
    for (const name of ['index', 'bin', cache]) mkdirSync(join(this.folder, name));
    this.#writePython();
    this.#writeTool('npm', 'npm');
    for (const name of ['g++', 'make']) this.#writeProgram(name, '');
    writeFileSync(
      join(this.folder, 'node-gyp.mjs'),
      `process.argv.splice(2, 1, 'node-gyp');\nawait import('${TOOL}');\n`,
    );
    writeFileSync(
      join(this.folder, 'load.mjs'),
      `process.argv.splice(2, 0, 'load');\nawait import('${TOOL}');\n`,
    );
    const wheels = {
      cpu: [this.#makeWheel('tensorflow-cpu', 'cpu')],
      gpu: [this.#makeWheel('tensorflow', 'gpu')],
    };
    this.pins = { tensorflowVersion: '9.9', package: this.#makePackage(), wheels };
  }

  #writeProgram(name: string, command: string): void {
    const file = join(this.folder, 'bin', name);
    writeFileSync(file, `#!/bin/sh\n${command}\n`);
    chmodSync(file, 0o755);
  }

  #writeTool(name: string, role: string, before = ''): void {
    this.#writeProgram(name, `${before}\nexec '${process.execPath}' '${TOOL}' ${role} "$@"`);
  }

  /** Spares what only passes a call on: a Node.js in between would be most of what these tests take. */
  #writePython(): void {
    const real = `exec '${PYTHON}' "$@"`;
    this.#writeTool(
      'python3',
      'python',
      `case "$2" in
  pip) [ "$3" = --version ] && exit 0 ;;
  tarfile) ${real} ;;
esac
if [ "$1" = -c ] && [ -z "$FAKE_HANG_AT$FAKE_FAIL_AT" ]; then
  echo unpack >> "$FAKE_FOLDER/calls"
  ${real}
fi`,
    );
  }

  /** Takes a program away. */
  remove(program: string): void {
    rmSync(join(this.folder, 'bin', program));
  }

  /** A wheel in the index, whose library is the text. */
  #makeWheel(name: string, library: string): Wheel {
    const file = `${name.replaceAll('-', '_')}-9.9.whl`;
    const members = {
      'tensorflow/libtensorflow_cc.so.2': library,
      'tensorflow/libtensorflow_framework.so.2': 'framework',
      'tensorflow/include/tensorflow/c/c_api.h': 'header',
      'tensorflow/python/unneeded.py': 'unneeded',
    };
    const bytes = once(file, (path) => {
      const write = `import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    for name, text in json.loads(sys.argv[2]).items(): wheel.writestr(name, text)`;
      execFileSync(PYTHON!, ['-c', write, path, JSON.stringify(members)]);
    });
    writeFileSync(join(this.folder, 'index', file), bytes);
    return {
      requirement: `${name}==9.9`,
      file,
      bytes: bytes.byteLength,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      root: 'tensorflow',
      parts: [
        'tensorflow/libtensorflow_cc.so.2',
        'tensorflow/libtensorflow_framework.so.2',
        'tensorflow/include/',
      ],
      unpackedBytes: 30,
    };
  }

  /** A folder as a release of TensorFlow for C has it. */
  makeLibrary(version: string): string {
    const folder = join(this.folder, 'release');
    mkdirSync(join(folder, 'lib'), { recursive: true });
    mkdirSync(join(folder, 'include/tensorflow/c'), { recursive: true });
    writeFileSync(join(folder, 'include/tensorflow/c/c_api.h'), '');
    writeFileSync(join(folder, 'lib/libtensorflow_framework.so.2'), '');
    writeFileSync(join(folder, 'lib/libtensorflow.so.2'), version);
    return folder;
  }

  #makePackage(): Pins['package'] {
    const file = 'addon-package.tgz';
    const bytes = once(file, (path) => {
      const folder = dirname(path);
      mkdirSync(join(folder, 'package'));
      writeFileSync(join(folder, 'package', 'package.json'), '{}');
      execFileSync('tar', ['-czf', path, '-C', folder, 'package']);
    });
    writeFileSync(join(this.folder, 'index', file), bytes);
    const hash = createHash('sha512').update(bytes);
    return { requirement: 'addon-package@9.9', file, integrity: `sha512-${hash.digest('base64')}` };
  }

  get environment(): NodeJS.ProcessEnv {
    return {
      PATH: join(this.folder, 'bin'),
      npm_config_node_gyp: join(this.folder, 'node-gyp.mjs'),
      FAKE_FOLDER: this.folder,
      FAKE_PYTHON: PYTHON,
      ...this.variables,
    };
  }

  #options(source: LibrarySource) {
    const { cache, pins, machine } = this;
    return { source, cache, pins, machine, loadProgram: join(this.folder, 'load.mjs') };
  }

  /** Runs the set-up in this process. */
  run(source: LibrarySource = { kind: 'cpu' }, signal = new AbortController().signal) {
    const options: SetupOptions = {
      ...this.#options(source),
      environment: this.environment,
      clock: createSystemClock(),
      signal,
      report: (line) => this.lines.push(line),
    };
    return setUpTensorflow(options);
  }

  /** Runs it in a process of its own, which may be killed. */
  start(source: LibrarySource = { kind: 'cpu' }) {
    const variables = { FAKE_OPTIONS: JSON.stringify(this.#options(source)) };
    return this.#startNode(['--input-type=module', '--eval', PROGRAM], variables);
  }

  /** Runs the command `curfew setup tensorflow`, which has pins of its own. */
  startCommand(...args: readonly string[]) {
    return this.#startNode([CLI, 'setup', 'tensorflow', ...args], { CURFEW_CACHE: this.cache });
  }

  #startNode(args: readonly string[], variables: Readonly<Record<string, string>>) {
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
    const path = join(this.cache, 'tensorflow', folder);
    return existsSync(path) ? readdirSync(path).sort() : [];
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
