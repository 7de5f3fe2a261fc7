/** A machine to set the webgpu device up on. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { DAWN, findWebGpu, KERNELS, type Resolver } from '../../kernels/webgpu/installation.js';
import { setUpWebGpu } from '../../runtime/setup/webgpu.js';
import type { WebGpuPins } from '../../runtime/setup/webgpu-pins.js';
import type { SoftwareDriver, WebGpuMachine, WebGpuSetupOptions } from '../../runtime/setup/webgpu-task.js';
import { createSystemClock } from '../../scheduler/clock.js';
import { BUILT, CLI, FakeMachine } from './fake-machine.js';

const PROGRAM = `
  const { setUpWebGpu } = await import('${BUILT}runtime/setup/webgpu.js');
  const { createSystemClock } = await import('${BUILT}scheduler/clock.js');
  const options = JSON.parse(process.env.FAKE_OPTIONS);
  const given = { environment: process.env, clock: createSystemClock(), signal: new AbortController().signal };
  const nothing = () => { throw new Error('not installed'); };
  await setUpWebGpu({ ...options, ...given, report: console.log }, nothing);
`;

/** Packages as of a user who has none. */
const nothing: Resolver = (specifier) => {
  throw new Error(`${specifier} is not installed`);
};

/** As the package of the browser has it. */
function makeSwiftShader(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-setup-'));
  const names = ['libEGL.so', 'libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'];
  for (const name of names) writeFileSync(join(folder, name), name);
  execFileSync('tar', ['-cf', join(folder, 'all.tar'), '-C', folder, ...names]);
  const archive = readFileSync(join(folder, 'all.tar'));
  rmSync(folder, { recursive: true });
  return brotliCompressSync(archive);
}

const SWIFTSHADER = makeSwiftShader();

export class FakeWebGpuSetup extends FakeMachine {
  pins: WebGpuPins;
  machine: WebGpuMachine;
  /** How the user's packages are found. */
  resolver = nothing;

  constructor() {
    super('webgpu');
    this.writeProgram('tar', `PATH='${process.env['PATH']}' exec tar "$@"`);
    for (const name of ['apt-get', 'apt-cache']) this.writeTool(name, name);
    this.writeScript('look.mjs', 'look');
    this.pins = {
      dawn: this.makePackage('dawn', { [DAWN.file]: 'dawn', 'dist/other-arch/dawn.node': 'other' }),
      kernels: this.makePackage('kernels', { [KERNELS.file]: 'kernels', 'dist/tf-backend-webgpu.js': '' }),
      swiftShader: this.makePackage('swiftshader', { 'bin/swiftshader.tar.br': SWIFTSHADER }),
    };
    const root = join(this.folder, 'root');
    this.machine = { platform: 'linux', arch: 'x64', glibc: '2.36', isRoot: false, root };
  }

  /** A file of the system's. */
  writeSystemFile(path: string, text: string): void {
    const file = join(this.machine.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** Drivers that have an adapter. */
  set adapters(drivers: readonly ('system' | SoftwareDriver)[]) {
    this.variables['FAKE_ADAPTERS'] = drivers.join();
  }

  /** Installs a package as the user would. */
  install(name: string, version: string, files: readonly string[]): void {
    const folder = join(this.folder, 'node_modules', name);
    for (const file of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), 'dawn');
    }
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ version }));
    const before = this.resolver;
    this.resolver = (specifier) =>
      specifier === `${name}/package.json` ? join(folder, 'package.json') : before(specifier);
  }

  /** What looks for an adapter. */
  get program(): string {
    return join(this.folder, 'look.mjs');
  }

  #options(driver: SoftwareDriver | undefined) {
    const { cache, pins, machine, program } = this;
    return { driver, cache, pins, machine, loadProgram: program };
  }

  /** Runs the set-up in this process. */
  run(driver?: SoftwareDriver, signal = new AbortController().signal) {
    const options: WebGpuSetupOptions = {
      ...this.#options(driver),
      environment: this.environment,
      clock: createSystemClock(),
      signal,
      report: (line) => this.lines.push(line),
    };
    return setUpWebGpu(options, this.resolver);
  }

  /** Runs it in a process of its own, which may be killed. */
  start(driver?: SoftwareDriver) {
    const variables = { FAKE_OPTIONS: JSON.stringify(this.#options(driver)) };
    return this.startNode(['--input-type=module', '--eval', PROGRAM], variables);
  }

  /** Runs the command `curfew setup webgpu`, which has pins of its own. */
  startCommand() {
    return this.startNode([CLI, 'setup', 'webgpu'], { CURFEW_CACHE: this.cache });
  }

  /** What the device would find. */
  found(variables: Readonly<Record<string, string>> = {}) {
    return findWebGpu({ CURFEW_CACHE: this.cache, ...variables }, this.resolver);
  }
}
