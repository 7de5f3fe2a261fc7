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
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';

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
  const target = join(after('--pack-destination'), 'addon-package.tgz');
  stage('pack', () => writeFileSync(target, 'half'));
  if (!isHanging('pack')) copyFileSync(join(FAKE_FOLDER, 'index', basename(target)), target);
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

const roles = {
  npm: pack,
  'node-gyp': build,
  load,
  python: args[1] === 'pip' ? pip : args[0] === '-c' ? unpack : python,
};
roles[role]();
