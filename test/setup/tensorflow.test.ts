/** What a set-up makes, and what it says when it cannot. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findInstallation, RECORD_FILE } from '../../kernels/tensorflow/installation.js';
import { rejection } from '../support/catch-error.js';
import { FakeSetup, LINUX, PYTHON, STAGES } from '../support/fake-setup.js';

let setup: FakeSetup;
beforeEach(() => {
  setup = new FakeSetup();
});
afterEach(() => setup.close());

const found = () => findInstallation(undefined, { CURFEW_CACHE: setup.cache });
const failure = async (...args: Parameters<FakeSetup['run']>): Promise<string> => {
  const { code, message } = await rejection(setup.run(...args));
  expect(code).toBe('SETUP_FAILED');
  return message;
};

describe.skipIf(PYTHON === undefined)('setting TensorFlow up', () => {
  it('unpacks what is needed of a wheel, builds against it, and is found from then on', async () => {
    expect(found()).toBeUndefined();
    const { installation, isNew } = await setup.run();
    expect(isNew).toBe(true);
    expect(found()).toEqual(installation);
    const { folder, addon, libraryFolder, ...facts } = installation;
    expect(facts).toMatchObject({
      variant: 'cpu',
      tensorflowVersion: 'cpu',
      devices: ['CPU:0', 'GPU:0 (A GPU, 79000 MB)'],
    });
    expect(readFileSync(addon, 'utf8')).toBe('cpu');
    expect(readdirSync(libraryFolder).sort()).toEqual([
      'include',
      'libtensorflow_cc.so.2',
      'libtensorflow_framework.so.2',
    ]);
    expect(setup.calls()).toEqual([...STAGES]);
    expect([setup.list('staging'), setup.list('downloads')]).toEqual([[], []]);
  });

  it('says what is downloaded and how much room it takes before it happens', async () => {
    await setup.run();
    const said = setup.lines.findIndex((line) => /^Downloads 1 kB, takes 5 MB of disk \(5 MB/.test(line));
    expect(said).toBeGreaterThanOrEqual(0);
    expect(setup.lines.findIndex((line) => line.startsWith('Downloading'))).toBeGreaterThan(said);
  });

  it('does nothing the second time', async () => {
    const { installation } = await setup.run();
    const [calls, lines] = [setup.calls(), [...setup.lines]];
    expect(await setup.run()).toEqual({ installation, isNew: false });
    expect([setup.calls(), setup.lines]).toEqual([calls, lines]);
  });

  it('keeps several beside each other and uses the one that was asked for last', async () => {
    setup.machine = { ...LINUX, hasNvidiaDriver: true };
    const automatic = await setup.run({ kind: 'automatic' });
    expect(automatic.installation.variant).toBe('gpu');
    await setup.run({ kind: 'cpu' });
    expect(found()?.variant).toBe('cpu');
    const calls = setup.calls();
    await setup.run({ kind: 'gpu' });
    expect(found()).toEqual(automatic.installation);
    expect(setup.calls()).toEqual(calls);
  });

  it('needs no program to change between those that are ready', async () => {
    const { installation } = await setup.run();
    await setup.run({ kind: 'gpu' });
    for (const program of ['python3', 'npm', 'g++', 'make']) setup.remove(program);
    expect((await setup.run()).installation).toEqual(installation);
  });

  it('unpacks a library again of which a file is gone', async () => {
    const { libraryFolder } = (await setup.run()).installation;
    rmSync(join(libraryFolder, 'libtensorflow_cc.so.2'));
    expect(found()).toBeUndefined();
    await setup.run();
    expect(readdirSync(libraryFolder)).toHaveLength(3);
  });

  it('builds against a library of the user, and again when that is another one', async () => {
    const source = { kind: 'library', folder: setup.makeLibrary('1.0') } as const;
    expect((await setup.run(source)).installation).toMatchObject({
      variant: 'library',
      tensorflowVersion: '1.0',
      libraryFolder: join(source.folder, 'lib'),
    });
    expect(setup.calls()).toEqual(['pack', 'build', 'load']);
    expect((await setup.run(source)).isNew).toBe(false);
    setup.makeLibrary('1.0.1');
    expect(found()).toBeUndefined();
    expect((await setup.run(source)).installation.tensorflowVersion).toBe('1.0.1');
  });

  it.each(['', '{"variant": "cpu", "libra', 'null', '[]', '{"libraryFolder": "/lib", "libraries": 3}'])(
    'builds again when its record is damaged: %s',
    async (text) => {
      const { folder } = (await setup.run()).installation;
      writeFileSync(join(folder, RECORD_FILE), text);
      expect(found()).toBeUndefined();
      const { installation, isNew } = await setup.run();
      expect(isNew).toBe(true);
      expect(found()).toEqual(installation);
    },
  );

  it('builds again when the addon was removed, without a download', async () => {
    const { installation } = await setup.run();
    rmSync(installation.addon);
    expect(found()).toBeUndefined();
    expect((await setup.run()).isNew).toBe(true);
    expect(setup.calls().filter((stage) => stage === 'download')).toEqual(['download']);
  });
});

describe.skipIf(PYTHON === undefined)('a set-up that fails', () => {
  it('refuses and removes a wheel with another hash, and takes the right one afterwards', async () => {
    const { pins } = setup;
    const wrong = { ...pins.wheels.cpu[0]!, sha256: '0'.repeat(64) };
    setup.pins = { ...pins, wheels: { ...pins.wheels, cpu: [wrong] } };
    expect(await failure()).toMatch(
      /^tensorflow_cpu-9\.9\.whl: expected sha256 0{64}, received [0-9a-f]{64};/,
    );
    expect([setup.list('downloads'), setup.list('libraries'), setup.list('staging')]).toEqual([[], [], []]);
    setup.pins = pins;
    expect((await setup.run()).isNew).toBe(true);
  });

  it('refuses a package with another hash', async () => {
    setup.pins = { ...setup.pins, package: { ...setup.pins.package, integrity: 'sha512-AAAA' } };
    expect(await failure()).toContain('addon-package-9.9.tgz: expected sha512 AAAA, received ');
    expect(found()).toBeUndefined();
  });

  it('downloads a wheel again that something has changed since', async () => {
    mkdirSync(join(setup.cache, 'tensorflow/downloads'), { recursive: true });
    writeFileSync(join(setup.cache, 'tensorflow/downloads/tensorflow_cpu-9.9.whl'), 'other');
    await setup.run();
    expect(setup.calls()).toContain('download');
  });

  it.each([
    ['python3', /Python 3\.8 or later.*apt install python3/],
    ['npm', /npm, which comes with Node\.js/],
    ['g++', /a C\+\+ compiler.*apt install g\+\+/],
    ['make', /make \(Debian/],
  ])('names %s where it is missing, before anything is downloaded', async (program, message) => {
    setup.remove(program);
    expect(await failure()).toMatch(message);
    expect(setup.calls()).toEqual([]);
  });

  it('names all that is missing at once', async () => {
    for (const program of ['python3', 'g++', 'make']) setup.remove(program);
    expect((await failure()).split('\n')).toHaveLength(4);
  });

  it.each([
    [
      'download',
      /^downloading tensorflow-cpu==9\.9: .*ended with 3\n {2}download went wrong\n.*--library DIR/,
    ],
    ['unpack', /^unpacking tensorflow_cpu-9\.9\.whl: .*ended with 3\n {2}unpack went wrong/],
    ['pack', /^fetching addon-package@9\.9: .*ended with 3\n {2}pack went wrong\nDoes npm reach/],
    ['build', /^compiling the addon: .*ended with 3\n {2}build went wrong\n.*headers/],
    ['load', /^loading the addon: .*ended with 3\n {2}load went wrong\n.*AVX/],
  ])('quotes the program that failed to %s, and goes on from there afterwards', async (stage, message) => {
    setup.variables['FAKE_FAIL_AT'] = stage;
    expect(await failure()).toMatch(message);
    expect([found(), setup.list('staging')]).toEqual([undefined, []]);
    delete setup.variables['FAKE_FAIL_AT'];
    expect((await setup.run()).isNew).toBe(true);
  });

  it('says what the file system refuses', async () => {
    rmSync(setup.cache, { recursive: true });
    writeFileSync(setup.cache, 'a file');
    expect(await failure()).toMatch(/^files of the set-up: (ENOTDIR|EEXIST): .*cache/);
  });

  it('refuses a cache in a folder that make cannot work in', async () => {
    const spaced = new FakeSetup('a b');
    expect((await rejection(spaced.run())).message).toMatch(/^cache folder: expected a path without spaces/);
    spaced.close();
  });

  it('says so where the disk has too little room', async () => {
    const { pins } = setup;
    const huge = { ...pins.wheels.cpu[0]!, unpackedBytes: 1e18 };
    setup.pins = { ...pins, wheels: { ...pins.wheels, cpu: [huge] } };
    expect(await failure()).toMatch(/^room in .*: expected 1000000000\.0 GB, received .*CURFEW_CACHE/);
    expect(setup.calls()).toEqual([]);
  });

  it.each([
    ['nothing', [], 'expected one of libtensorflow_cc.so.2'],
    ['no framework', ['lib/libtensorflow_framework.so.2'], 'expected libtensorflow_framework.so.2 beside it'],
    ['no headers', ['include'], 'expected include/tensorflow/c/c_api.h'],
  ])('refuses a folder with %s', async (what, removed, message) => {
    const folder = what === 'nothing' ? join(setup.folder, 'nowhere') : setup.makeLibrary('1.0');
    for (const path of removed) rmSync(join(folder, path), { recursive: true });
    expect(await failure({ kind: 'library', folder })).toContain(message);
    expect(setup.calls()).toEqual([]);
  });

  it.each([
    ['darwin', { platform: 'darwin' }, 'expected Linux, received darwin'],
    ['musl', { glibc: undefined }, 'expected a Linux with glibc'],
    ['an old glibc', { glibc: '2.9' }, 'expected glibc 2.27 or later, received 2.9'],
    [
      'arm64',
      { arch: 'arm64' },
      'expected x86-64, or a library of your own with --library DIR, received arm64',
    ],
  ])('says what is supported on %s', async (_what, machine, message) => {
    setup.machine = { ...LINUX, ...machine };
    expect(await failure()).toContain(message);
  });
});

describe.skipIf(PYTHON === undefined)('a cache', () => {
  const MESSAGE = "cache folder: expected one that is yours or root's and that others cannot write, received";

  it('that everybody can write is neither used nor filled', async () => {
    await setup.run();
    chmodSync(setup.cache, 0o777);
    expect(found()).toBeUndefined();
    expect(await failure()).toMatch(new RegExp(`^${MESSAGE} .* with mode 777$`));
  });

  it.skipIf(process.getuid?.() !== 0)('of another user is neither used nor filled', async () => {
    await setup.run();
    chownSync(setup.cache, 12345, 12345);
    expect(found()).toBeUndefined();
    expect(await failure()).toContain(`${MESSAGE} ${setup.cache} of user 12345`);
  });

  it('that everybody can write is used when CURFEW_TENSORFLOW_DIR names an installation there', async () => {
    const { installation } = await setup.run();
    chmodSync(setup.cache, 0o777);
    expect(findInstallation(undefined, { CURFEW_TENSORFLOW_DIR: installation.folder })).toEqual(installation);
  });

  it.skipIf(process.platform !== 'linux')(
    'that is made now is closed to others, whatever the umask',
    async () => {
      rmSync(setup.cache, { recursive: true });
      const before = process.umask(0);
      // Ends when the package is another one than the pinned.
      const { ended } = setup.startCommand('--library', setup.makeLibrary('1.0'));
      process.umask(before);
      expect(await ended).toBe(1);
      for (const made of ['', 'tensorflow', 'tensorflow/staging'])
        expect(statSync(join(setup.cache, made)).mode & 0o777).toBe(0o775);
    },
  );
});
