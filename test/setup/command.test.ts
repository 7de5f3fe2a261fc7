import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { cacheFolder } from '../../kernels/cache-folder.js';
import { findInstallation } from '../../kernels/tensorflow/installation.js';
import { DAWN, KERNELS } from '../../kernels/webgpu/installation.js';
import { setupCommand } from '../../runtime/setup/command.js';
import { PINS } from '../../runtime/setup/pins.js';
import { WEBGPU_PINS } from '../../runtime/setup/webgpu-pins.js';

const CLI = fileURLToPath(new URL('../../dist/runtime/cli.js', import.meta.url));

describe('curfew setup', () => {
  it.each([
    [[], 'expected the device tensorflow or webgpu, received ""'],
    [['opencl'], 'expected the device tensorflow or webgpu, received "opencl"'],
    [['tensorflow', 'twice'], 'received "tensorflow twice"'],
    [['tensorflow', '--cpu', '--gpu'], 'expected one of --cpu, --gpu and --library, received --cpu --gpu'],
    [['tensorflow', '--library'], "'--library <value>' argument missing"],
    [['tensorflow', '--library='], 'expected a folder after --library'],
    [['tensorflow', '--tpu'], "Unknown option '--tpu'"],
    [
      ['tensorflow', '--driver=lavapipe'],
      'options of tensorflow (--cpu, --gpu, --library), received --driver',
    ],
    [['webgpu', '--cpu'], 'expected options of webgpu (--driver), received --cpu'],
    [['webgpu', '--driver', 'opencl'], 'expected lavapipe or swiftshader after --driver, received "opencl"'],
  ])('ends with 2 and its usage for %o', async (args, message) => {
    const { exitCode, output, error } = await setupCommand(args, () => {});
    expect([exitCode, output]).toEqual([2, '']);
    expect(error).toContain(message);
    expect(error).toContain('curfew setup tensorflow --library DIR');
    expect(error).toContain('curfew setup webgpu --driver lavapipe | swiftshader');
  });

  it('prints its usage when asked', async () => {
    const { exitCode, output } = await setupCommand(['--help'], () => {});
    expect([exitCode, output.split('\n')[0]]).toEqual([
      0,
      expect.stringContaining('curfew setup tensorflow '),
    ]);
  });

  it('is a command of the program, which ends with 1 and the code when it fails', async () => {
    const args = [CLI, 'setup', 'tensorflow', '--library', '/nowhere'];
    const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((done) => {
      execFile(process.execPath, args, (error, _stdout, text) => done({ code: error?.code, stderr: text }));
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^SETUP_FAILED: .*expected/);
  });
});

describe('the pins', () => {
  const wheels = Object.values(PINS.wheels).flat();

  it('are whole', () => {
    for (const { sha256, file, requirement, root, parts } of wheels) {
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      const [name, version] = requirement.split('==');
      expect(file).toMatch(new RegExp(`^${name!.replaceAll('-', '_')}-${version}-.*\\.whl$`));
      expect(parts.every((part) => part.startsWith(`${root}/`))).toBe(true);
    }
    for (const { integrity } of [PINS.package, ...Object.values(WEBGPU_PINS)])
      expect(integrity).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
  });

  it('of webgpu are the versions that package.json names', () => {
    const { peerDependencies } = createRequire(import.meta.url)('../../package.json') as {
      readonly peerDependencies: Readonly<Record<string, string>>;
    };
    for (const { name, version } of [DAWN, KERNELS]) expect(peerDependencies[name]).toBe(version);
  });

  it('have each folder once', () => {
    for (const list of Object.values(PINS.wheels)) {
      expect(new Set(list.map(({ root }) => root)).size).toBe(list.length);
    }
  });
});

describe('the cache', () => {
  it.each([
    [{ CURFEW_CACHE: '/own', XDG_CACHE_HOME: '/xdg' }, '/own'],
    [{ CURFEW_CACHE: 'own' }, resolve('own')],
    [{ XDG_CACHE_HOME: '/xdg' }, join('/xdg', 'curfew')],
    [{ XDG_CACHE_HOME: 'relative' }, join(homedir(), '.cache', 'curfew')],
    [{ CURFEW_CACHE: '' }, join(homedir(), '.cache', 'curfew')],
  ])('with %o is %s', (environment, folder) => {
    expect(cacheFolder(environment)).toBe(folder);
  });

  it('holds no installation where none was set up, and none is found in a folder without one', () => {
    expect(findInstallation(undefined, { CURFEW_CACHE: '/nowhere' })).toBeUndefined();
    expect(findInstallation('/nowhere', {})).toBeUndefined();
    expect(findInstallation(undefined, { CURFEW_TENSORFLOW_DIR: '/nowhere' })).toBeUndefined();
  });
});
