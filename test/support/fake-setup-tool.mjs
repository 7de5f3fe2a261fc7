/**
 * The programs that a set-up calls, without a network and a compiler: `node fake-setup-tool.mjs ROLE ARGUMENTS`. What it is
 * called for it notes in `calls`; at the stage that FAKE_HANG_AT names it leaves its work half done, says so in `reached`, and
 * does not end.
 */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

const { FAKE_FOLDER, FAKE_HANG_AT, FAKE_PYTHON, FAKE_FAIL_AT } = process.env;
const [role, ...args] = process.argv.slice(2);

const note = (stage) => appendFileSync(join(FAKE_FOLDER, 'calls'), `${stage}\n`);

/** `halfDone` leaves what a killed program leaves. */
function stage(name, halfDone) {
  note(name);
  if (FAKE_FAIL_AT === name) {
    console.error(`${name} went wrong`);
    process.exit(3);
  }
  if (FAKE_HANG_AT !== name) return;
  halfDone();
  writeFileSync(join(FAKE_FOLDER, 'reached.draft'), `${process.pid}`);
  renameSync(join(FAKE_FOLDER, 'reached.draft'), join(FAKE_FOLDER, 'reached'));
  setInterval(() => {}, 1000);
}

const after = (option) => args[args.indexOf(option) + 1];
const isHanging = (name) => FAKE_HANG_AT === name;

function pip() {
  if (args[2] === '--version') return;
  const [requirement] = args.slice(-1);
  const [name, version] = requirement.split('==');
  const file = `${name.replaceAll('-', '_')}-${version}.whl`;
  const target = join(after('--dest'), file);
  stage('download', () => writeFileSync(target, 'half'));
  if (!isHanging('download')) copyFileSync(join(FAKE_FOLDER, 'index', file), target);
}

/** Of the real one. */
function python() {
  const { status, stderr } = spawnSync(FAKE_PYTHON, args, { stdio: ['ignore', 'inherit', 'pipe'] });
  process.stderr.write(stderr);
  process.exitCode = status ?? 1;
}

function unpack() {
  stage('unpack', () => {
    mkdirSync(join(args[3], 'tensorflow'), { recursive: true });
    writeFileSync(join(args[3], 'tensorflow', 'libtensorflow_cc.so.2'), 'half');
  });
  if (!isHanging('unpack')) python();
}

function pack() {
  const [, scope = '', name, version] = /^(?:@(.*)\/)?(.*)@(.*)$/.exec(args.at(-1));
  const file = `${scope}${scope && '-'}${name}-${version}.tgz`;
  const target = join(after('--pack-destination'), file);
  // Only the set-up of webgpu has several.
  const stageName = ['addon-package', 'tfjs-node-gpu'].includes(name) ? 'pack' : `pack ${name}`;
  stage(stageName, () => writeFileSync(target, 'half'));
  if (!isHanging(stageName)) copyFileSync(join(FAKE_FOLDER, 'index', file), target);
}

function build() {
  const folder = args.find((arg) => arg.startsWith('--module_path=')).replace('--module_path=', '');
  const file = join(folder, 'tfjs_binding.node');
  mkdirSync(folder, { recursive: true });
  stage('build', () => writeFileSync(file, 'half'));
  for (const link of [
    'lib/libtensorflow.so',
    'lib/libtensorflow_framework.so',
    'include/tensorflow/c/c_api.h',
  ]) {
    if (!existsSync(join('deps', link))) throw new Error(`expected deps/${link}`);
  }
  if (!isHanging('build')) writeFileSync(file, readFileSync('deps/lib/libtensorflow.so', 'utf8'));
}

function load() {
  stage('load', () => {});
  const version = readFileSync(args[0], 'utf8');
  console.error('log: device:GPU:0 with 79000 MB memory:  -> device: 0, name: A GPU, pci bus id: 0');
  if (!isHanging('load')) console.log(JSON.stringify({ version, usesGpu: true, product: [7, 10, 15, 22] }));
}

const LAVAPIPE = join(FAKE_FOLDER, 'root', 'usr', 'share', 'vulkan', 'icd.d', 'lvp_icd.x86_64.json');

/** Notes which sources it was called with. */
function apt() {
  const what = args.find((arg) => ['update', 'install'].includes(arg));
  const name = `apt ${args.includes('--download-only') ? 'download' : what}`;
  const parts = args.find((arg) => arg.startsWith('Dir::Etc::sourceparts='))?.replace(/^.*=/, '');
  for (const file of parts === undefined ? [] : readdirSync(parts)) {
    copyFileSync(join(parts, file), join(FAKE_FOLDER, `used-${file}`));
  }
  stage(name, () => {});
  if (isHanging(name) || name !== 'apt install') return;
  mkdirSync(dirname(LAVAPIPE), { recursive: true });
  writeFileSync(LAVAPIPE, '{}');
}

/** Drivers of which there is an adapter are in FAKE_ADAPTERS; those that crash in FAKE_CRASHES. */
function look() {
  stage('look', () => {});
  if (isHanging('look')) return;
  const [addon] = args;
  const files = process.env.VK_DRIVER_FILES;
  const isListed = (list, driver) => (list ?? '').split(',').includes(driver);
  const has = (driver) => isListed(process.env.FAKE_ADAPTERS, driver);
  const of = { 'lvp_icd.x86_64.json': 'lavapipe', 'vk_swiftshader_icd.json': 'swiftshader' };
  const lavapipe = existsSync(LAVAPIPE) && has('lavapipe') ? 'lavapipe' : 'system';
  const driver = files === undefined ? lavapipe : (of[basename(files)] ?? 'none');
  if (isListed(process.env.FAKE_CRASHES, driver)) process.kill(process.pid, 'SIGSEGV');
  const print = (answer) => console.log(JSON.stringify(answer));
  if (readFileSync(addon, 'utf8') !== 'dawn') return print({ kind: 'unloadable', message: 'no ELF' });
  if (driver === 'swiftshader' && !existsSync(join(dirname(addon), 'libvulkan.so.1')))
    return print({ kind: 'none' });
  if (!has(driver)) return print({ kind: 'none' });
  const [vendor, architecture, device, description] = ['fake', driver, driver, `fake ${driver}`];
  const adapter = { vendor, architecture, device, description, isSoftware: driver !== 'system' };
  print({
    kind: 'adapter',
    adapter,
    squares: (process.env.FAKE_SQUARES ?? '1,4,9,16').split(',').map(Number),
  });
}

const roles = {
  'apt-get': apt,
  'apt-cache': () => console.log(`mesa-vulkan-drivers:\n  Candidate: ${process.env.FAKE_MESA ?? '25.0.7-2'}`),
  look,
  npm: pack,
  'node-gyp': build,
  load,
  python: args[1] === 'pip' ? pip : args[0] === '-c' ? unpack : python,
};
roles[role]();
