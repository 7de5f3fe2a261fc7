/** A machine to set TensorFlow up on: fake programs on its path, and an index of tiny wheels. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pins, Wheel } from '../../runtime/setup/pins.js';
import type { Machine } from '../../runtime/setup/platform.js';
import type { LibrarySource, SetupOptions } from '../../runtime/setup/task.js';
import { setUpTensorflow } from '../../runtime/setup/tensorflow.js';
import { createSystemClock } from '../../scheduler/clock.js';
import { BUILT, CLI, FakeMachine, once } from './fake-machine.js';

/** The one that unpacks; `undefined` where there is none. */
export const PYTHON = findPython();

function findPython(): string | undefined {
  try {
    return execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
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

export class FakeSetup extends FakeMachine {
  pins: Pins;
  machine: Machine = LINUX;

  constructor(cache?: string) {
    super('tensorflow', cache);
    this.#writePython();
    for (const name of ['g++', 'make']) this.writeProgram(name, '');
    this.writeScript('node-gyp.mjs', 'node-gyp', 1);
    this.writeScript('load.mjs', 'load');
    const wheels = {
      cpu: [this.#makeWheel('tensorflow-cpu', 'cpu')],
      gpu: [this.#makeWheel('tensorflow', 'gpu')],
    };
    this.pins = {
      tensorflowVersion: '9.9',
      package: this.makePackage('addon-package', { 'package.json': '{}' }),
      wheels,
    };
  }

  /** Spares what only passes a call on: a Node.js in between would be most of what these tests take. */
  #writePython(): void {
    const real = `exec '${PYTHON}' "$@"`;
    this.writeTool(
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
    this.addToIndex(file, bytes);
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

  override get environment(): NodeJS.ProcessEnv {
    const given = { npm_config_node_gyp: join(this.folder, 'node-gyp.mjs'), FAKE_PYTHON: PYTHON };
    return { ...super.environment, ...given };
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
    return this.startNode(['--input-type=module', '--eval', PROGRAM], variables);
  }

  /** Runs the command `curfew setup tensorflow`, which has pins of its own. */
  startCommand(...args: readonly string[]) {
    return this.startNode([CLI, 'setup', 'tensorflow', ...args], { CURFEW_CACHE: this.cache });
  }
}
