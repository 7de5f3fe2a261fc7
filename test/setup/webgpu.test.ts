/** What the set-up of the webgpu device provides, and what it says when it cannot. */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAWN, KERNELS, recordFile } from '../../kernels/webgpu/installation.js';
import { rejection, thrown } from '../support/catch-error.js';
import { FakeWebGpuSetup } from '../support/fake-webgpu-setup.js';

let setup: FakeWebGpuSetup;
beforeEach(() => {
  setup = new FakeWebGpuSetup();
});
afterEach(() => setup.close());

const PACKS = ['pack dawn', 'pack kernels'];
const APT = ['apt update', 'apt download', 'apt install'];
const text = (file: string) => readFileSync(file, 'utf8');

/** Makes the machine one of root's. */
function beRoot(release: string): void {
  setup.machine = { ...setup.machine, isRoot: true };
  setup.writeSystemFile('etc/os-release', release);
}

const DEBIAN_12 = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n';
const UBUNTU = 'ID=ubuntu\nVERSION_ID="24.04"\n';

describe('setting webgpu up with the driver of the system', () => {
  beforeEach(() => {
    setup.adapters = ['system'];
  });

  it('keeps the two files that are needed, and they are found from then on', async () => {
    expect(setup.found()).toBeUndefined();
    const { record, isNew } = await setup.run();
    expect(isNew).toBe(true);
    expect(record).toMatchObject({
      driver: null,
      adapter: { description: 'fake system', isSoftware: false },
    });
    const found = setup.found()!;
    expect([text(found.addon), text(found.kernels), found.driverFiles]).toEqual([
      'dawn',
      'kernels',
      undefined,
    ]);
    expect(setup.list('.')).toHaveLength(4);
    expect(setup.list(`webgpu-${DAWN.version}-linux-x64`)).toEqual(['dawn.node']);
    expect(setup.calls()).toEqual([...PACKS, 'look']);
    expect(setup.list('staging')).toEqual([]);
  });

  it('changes nothing the second time, and needs no program for it', async () => {
    const { record } = await setup.run();
    for (const program of ['npm', 'tar', 'apt-get']) setup.remove(program);
    expect(await setup.run()).toEqual({ record, isNew: false });
    expect(setup.calls()).toEqual([...PACKS, 'look', 'look']);
  });

  it("takes the user's packages, and downloads those that they lack", async () => {
    setup.install(DAWN.name, DAWN.version, [DAWN.file]);
    await setup.run();
    expect(setup.calls()).toEqual(['pack kernels', 'look']);
    expect(setup.found()?.addon).toBe(join(setup.folder, 'node_modules', 'webgpu', DAWN.file));
    setup.install(KERNELS.name, KERNELS.version, [KERNELS.file]);
    expect(setup.found()?.kernels).toContain('node_modules');
  });

  it("takes a copy of its own where the user's package has no file for this machine", async () => {
    setup.install(DAWN.name, DAWN.version, []);
    await setup.run();
    expect(setup.found()?.addon).toContain(setup.cache);
  });

  it.each([DAWN, KERNELS])('refuses another version of $name', async ({ name, version, file }) => {
    setup.install(name, '0.0.1', [file]);
    for (const error of [await rejection(setup.run()), thrown(() => setup.found())]) {
      expect(error.code).toBe('DEVICE_UNAVAILABLE');
      expect(error.message).toContain(`package ${name}: expected version ${version}, received 0.0.1 in `);
      expect(error.message).toContain(`; run npm install ${name}@${version}, or remove the package and run `);
      expect([error.expected, error.received]).toEqual([version, '0.0.1']);
    }
    expect(setup.calls()).toEqual([]);
  });

  it.each(['', '{"driver": null', 'null', '[]', '{"driver": 3, "adapter": {"description": ""}}'])(
    'notes it again when its record is damaged: %s',
    async (damaged) => {
      const { record } = await setup.run();
      writeFileSync(recordFile(setup.cache), damaged);
      expect(setup.found()?.driverFiles).toBeUndefined();
      expect(await setup.run()).toEqual({ record, isNew: true });
    },
  );
});

describe('a machine without an adapter', () => {
  it('gets SwiftShader with its loader beside a copy of the addon, unless root sets it up', async () => {
    setup.adapters = ['swiftshader'];
    const { record } = await setup.run();
    expect(record.adapter).toMatchObject({ description: 'fake swiftshader', isSoftware: true });
    const { addon, driverFiles } = setup.found()!;
    const folder = join(addon, '..');
    expect(driverFiles).toBe(join(folder, 'vk_swiftshader_icd.json'));
    const files = ['dawn.node', 'libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'];
    expect(setup.list(folder.slice(setup.cache.length + '/webgpu/'.length))).toEqual(files);
    expect(text(addon)).toBe('dawn');
    expect(setup.lines).toContain('No adapter (lavapipe): installing lavapipe: expected to be run by root');
  });

  it('leaves the driver to a user who names one, and says so', async () => {
    setup.adapters = ['swiftshader'];
    setup.variables['VK_DRIVER_FILES'] = '/nonexistent';
    await setup.run();
    expect(setup.lines.at(-1)).toMatch(/^VK_DRIVER_FILES or VK_ICD_FILENAMES is set here/);
    expect(setup.found({ VK_DRIVER_FILES: '/own' })?.driverFiles).toBeUndefined();
    expect(setup.found({ VK_ICD_FILENAMES: '/own' })?.driverFiles).toBeUndefined();
    expect(setup.found({ VK_DRIVER_FILES: '' })?.driverFiles).toContain(setup.cache);
  });

  it('is told when an empty variable keeps the drivers of the system from being found', async () => {
    setup.variables['VK_DRIVER_FILES'] = '';
    const { message } = await rejection(setup.run());
    expect(message).toContain(
      '\n  the system\'s drivers: no adapter among the drivers that the environment names (VK_DRIVER_FILES="")\n',
    );
    expect(message).toContain('\n  SwiftShader: no adapter\n');
  });

  it('keeps the driver of the last set-up, until the system has one', async () => {
    setup.adapters = ['swiftshader'];
    const { record } = await setup.run();
    const calls = setup.calls();
    expect(await setup.run()).toEqual({ record, isNew: false });
    expect(setup.calls()).toEqual([...calls, 'look', 'look']);
    setup.adapters = ['swiftshader', 'system'];
    expect((await setup.run()).record.driver).toBeNull();
    expect(setup.found()?.driverFiles).toBeUndefined();
  });

  it('gets lavapipe from the backports of Debian 12, by way of its own sources, when root sets it up', async () => {
    setup.adapters = ['lavapipe'];
    beRoot(DEBIAN_12);
    setup.writeSystemFile(
      'etc/apt/sources.list.d/debian.sources',
      'Types: deb\nURIs: http://own\nSuites: bookworm\n',
    );
    const { record } = await setup.run();
    expect(record).toMatchObject({ driver: null, adapter: { description: 'fake lavapipe' } });
    expect(setup.calls()).toEqual([...PACKS, 'look', ...APT, 'look']);
    const used = text(join(setup.folder, 'used-debian.sources'));
    expect(used).toContain('URIs: http://own\nSuites: bookworm-backports\n');
    expect((await setup.run()).isNew).toBe(false);
  });

  it("gets the distribution's own lavapipe elsewhere", async () => {
    setup.adapters = ['lavapipe'];
    beRoot(UBUNTU);
    await setup.run();
    expect(setup.calls()).toEqual([...PACKS, 'look', ...APT, 'look']);
    expect(existsSync(join(setup.folder, 'used-debian.sources'))).toBe(false);
  });

  it.each([
    ['Mesa is too old', UBUNTU, 'expected version 23 or later, received 22.3.6-1'],
    ['Mesa is unknown', UBUNTU, 'expected version 23 or later, received (none)'],
    [
      'apt has no entry of the release',
      DEBIAN_12,
      'sources of apt: expected an entry for bookworm, found none',
    ],
  ])('gets SwiftShader where %s', async (what, release, message) => {
    setup.adapters = ['swiftshader'];
    beRoot(release);
    setup.variables['FAKE_MESA'] = what.includes('unknown') ? '(none)' : '22.3.6-1';
    expect((await setup.run()).record.adapter.description).toBe('fake swiftshader');
    expect(setup.lines.join('\n')).toContain(message);
    expect(setup.calls()).not.toContain('apt install');
  });

  it.each(APT)('gets SwiftShader where %s fails', async (stage) => {
    setup.adapters = ['swiftshader'];
    beRoot(UBUNTU);
    setup.variables['FAKE_FAIL_AT'] = stage;
    expect((await setup.run()).record.adapter.description).toBe('fake swiftshader');
  });

  it('is told all that was tried where nothing has one', async () => {
    const { code, message } = await rejection(setup.run());
    expect(code).toBe('DEVICE_UNAVAILABLE');
    expect(message.split('\n')).toEqual([
      'WebGPU: expected a Vulkan driver with an adapter, found none',
      "  the system's drivers: no adapter",
      '  lavapipe: installing lavapipe: expected to be run by root',
      '  SwiftShader: no adapter',
      expect.stringMatching(/^Install the Vulkan driver of the GPU/),
    ]);
    expect([setup.list('staging'), setup.found()?.driverFiles]).toEqual([[], undefined]);
  });

  it('gets no SwiftShader on arm64, for which there is none', async () => {
    setup.machine = { ...setup.machine, arch: 'arm64' };
    expect((await rejection(setup.run())).message).toContain(
      '  SwiftShader: SwiftShader: expected a processor x64, received arm64',
    );
  });
});

describe('a driver', () => {
  it('that crashes counts as one without an adapter', async () => {
    setup.adapters = ['system', 'swiftshader'];
    setup.variables['FAKE_CRASHES'] = 'system';
    expect((await setup.run()).record.adapter.description).toBe('fake swiftshader');
    expect(setup.lines.join('\n')).toMatch(/No adapter \(the system's drivers\): .*ended with SIGSEGV/);
  });

  it('that computes something else counts as one without an adapter', async () => {
    setup.adapters = ['system'];
    setup.variables['FAKE_SQUARES'] = '0,0,0,0';
    expect((await rejection(setup.run())).message).toContain(
      "the system's drivers: fake system: expected the squares 1,4,9,16, received 0,0,0,0",
    );
  });

  it('that is asked for is taken, whatever the system has, until none is asked for', async () => {
    setup.adapters = ['system', 'swiftshader'];
    expect((await setup.run('swiftshader')).record.adapter.description).toBe('fake swiftshader');
    expect((await setup.run('swiftshader')).isNew).toBe(false);
    expect((await setup.run()).record.adapter.description).toBe('fake system');
  });

  it('of the system that is asked for is taken alone, and installed once', async () => {
    setup.adapters = ['system', 'lavapipe'];
    beRoot(UBUNTU);
    await setup.run('lavapipe');
    expect(setup.found()?.driverFiles).toMatch(/lvp_icd\.x86_64\.json$/);
    expect((await setup.run('lavapipe')).isNew).toBe(false);
    expect(setup.calls().filter((stage) => stage === 'apt install')).toHaveLength(1);
  });

  it('that is asked for and cannot be provided fails the set-up', async () => {
    setup.adapters = ['system', 'swiftshader'];
    const { code, message } = await rejection(setup.run('lavapipe'));
    expect([code, message]).toEqual(['SETUP_FAILED', 'installing lavapipe: expected to be run by root']);
    setup.machine = { ...setup.machine, isRoot: true };
    setup.remove('apt-get');
    expect((await rejection(setup.run('lavapipe'))).message).toContain('expected apt-get on PATH');
  });

  it('of the last set-up whose files are gone is made again', async () => {
    setup.adapters = ['swiftshader'];
    await setup.run();
    rmSync(setup.found()!.driverFiles!);
    expect(setup.found()).toMatchObject({ driverFiles: undefined });
    const { isNew } = await setup.run();
    expect([isNew, existsSync(setup.found()!.driverFiles!)]).toEqual([true, true]);
  });
});

describe('a set-up of webgpu that fails', () => {
  it.each(['dawn', 'kernels'] as const)('refuses another archive of %s than the pinned', async (name) => {
    setup.adapters = ['system'];
    const { pins } = setup;
    setup.pins = { ...pins, [name]: { ...pins[name], integrity: 'sha512-AAAA' } };
    const { code, message } = await rejection(setup.run());
    expect(code).toBe('SETUP_FAILED');
    expect(message).toContain(`${name}-9.9.tgz: expected sha512 AAAA, received `);
    expect([setup.found(), setup.list('staging')]).toEqual([undefined, []]);
    setup.pins = pins;
    expect((await setup.run()).isNew).toBe(true);
  });

  it('refuses another archive with SwiftShader than the pinned', async () => {
    const { pins } = setup;
    setup.adapters = ['swiftshader'];
    setup.pins = { ...pins, swiftShader: { ...pins.swiftShader, integrity: 'sha512-AAAA' } };
    const { code, message } = await rejection(setup.run('swiftshader'));
    expect([code, message]).toEqual(['SETUP_FAILED', expect.stringContaining('expected sha512 AAAA')]);
    expect(setup.list('.')).not.toContainEqual(expect.stringMatching(/^swiftshader/));
  });

  it('quotes npm where it fails', async () => {
    setup.variables['FAKE_FAIL_AT'] = 'pack dawn';
    expect((await rejection(setup.run())).message).toMatch(
      /^fetching dawn@9\.9: .*ended with 3\n {2}pack dawn went wrong\nDoes npm reach/,
    );
  });

  it.each([
    ['npm', /npm, which comes with Node\.js/],
    ['tar', /\n {2}tar$/],
  ])('names %s where it is missing', async (program, message) => {
    setup.remove(program);
    expect((await rejection(setup.run())).message).toMatch(message);
  });

  it('says so where the disk has too little room', async () => {
    const { pins } = setup;
    setup.pins = { ...pins, dawn: { ...pins.dawn, keptBytes: 1e18 } };
    expect((await rejection(setup.run())).message).toMatch(
      /^room in .*: expected 1000000000\.0 GB, received/,
    );
    expect(setup.calls()).toEqual([]);
  });

  it('says so where the addon cannot be loaded, without looking for other drivers', async () => {
    setup.install(DAWN.name, DAWN.version, [DAWN.file]);
    const file = join(setup.folder, 'node_modules', 'webgpu', DAWN.file);
    writeFileSync(file, 'damaged');
    const { code, message } = await rejection(setup.run());
    expect([code, message]).toEqual(['SETUP_FAILED', `loading Dawn's addon ${file}: no ELF`]);
    expect(setup.calls()).toEqual(['pack kernels', 'look']);
  });

  it.each([
    ['darwin', { platform: 'darwin' }, 'expected Linux, received darwin'],
    ['s390x', { arch: 's390x' }, 'expected x64 or arm64, received s390x'],
    ['musl', { glibc: undefined }, 'expected a Linux with glibc'],
    ['an old glibc', { glibc: '2.31' }, 'expected glibc 2.34 or later, received 2.31'],
  ])('says what is supported on %s', async (_what, machine, message) => {
    setup.machine = { ...setup.machine, ...machine };
    const error = await rejection(setup.run());
    expect([error.code, error.message]).toEqual(['SETUP_FAILED', expect.stringContaining(message)]);
  });

  it('neither fills nor uses a cache that everybody can write', async () => {
    setup.adapters = ['system'];
    await setup.run();
    chmodSync(setup.cache, 0o777);
    expect(setup.found()).toBeUndefined();
    expect((await rejection(setup.run())).message).toMatch(/^cache folder: expected one that is yours/);
  });
});
