/** Installs Mesa's lavapipe with apt: from Debian's backports where the release's own is too old, without changing apt's settings. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { curfewError } from '../../scheduler/errors.js';
import { whileWorking } from './progress.js';
import { runTool } from './run-tool.js';
import { onPath } from './tools.js';
import { type SourcesFile, withBackports } from './webgpu-sources.js';
import type { WebGpuWorkshop } from './webgpu-task.js';

const PACKAGES = ['mesa-vulkan-drivers', 'libvulkan1'];
/** Debian's 22.3.6 is refused by Dawn. */
const OLDEST_MESA = 23;
/** Releases of Debian whose own Mesa is older, by their numbers. */
const OLD_RELEASES: Readonly<Record<string, string>> = { 12: 'bookworm' };
/** For another apt to end. */
const LOCK_WAIT_S = 120;

/** How apt is called. */
interface Apt {
  readonly workshop: WebGpuWorkshop;
  readonly get: string;
  readonly options: readonly string[];
}

async function readFolder(folder: string): Promise<SourcesFile[]> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => /\.(?:list|sources)$/.test(name));
  return Promise.all(files.map(async (name) => ({ name, text: await readFile(join(folder, name), 'utf8') })));
}

async function readSources(root: string): Promise<SourcesFile[]> {
  const settings = join(root, 'etc', 'apt');
  const main = await readFile(join(settings, 'sources.list'), 'utf8').catch(() => '');
  return [{ name: 'sources.list', text: main }, ...(await readFolder(join(settings, 'sources.list.d')))];
}

/** The release whose backports are needed; `undefined` where its own Mesa may do. */
async function oldRelease(root: string): Promise<string | undefined> {
  const text = await readFile(join(root, 'etc', 'os-release'), 'utf8').catch(() => '');
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1];
  return field('ID') === 'debian' ? OLD_RELEASES[field('VERSION_ID') ?? ''] : undefined;
}

/** Options with which apt reads other sources, and keeps what it reads of them out of the system's lists. */
async function backportsOptions(release: string, { machine, makeFolder }: WebGpuWorkshop): Promise<string[]> {
  const files = withBackports(await readSources(machine.root), release);
  if (files.length === 0) {
    throw curfewError('SETUP_FAILED', `sources of apt: expected an entry for ${release}, found none`);
  }
  const folder = await makeFolder();
  const sources = join(folder, 'sources');
  for (const name of ['sources', 'lists/partial', 'cache/archives/partial']) {
    await mkdir(join(folder, name), { recursive: true });
  }
  for (const { name, text } of files) await writeFile(join(sources, name), text);
  const settings = [
    'Dir::Etc::sourcelist=/dev/null',
    `Dir::Etc::sourceparts=${sources}`,
    `Dir::State::lists=${join(folder, 'lists')}`,
    `Dir::Cache=${join(folder, 'cache')}`,
    `APT::Default-Release=${release}-backports`,
  ];
  return settings.flatMap((setting) => ['-o', setting]);
}

/** Calls a program of apt's; says what it does where it takes long. */
async function call(
  what: string,
  program: string,
  args: readonly string[],
  { workshop, options }: Apt,
  signal = workshop.signal,
): Promise<string> {
  const { environment, clock, report } = workshop;
  let line = '';
  let said = '';
  const say = async () => {
    if (line !== said) report(`  ${line}`);
    said = line;
  };
  const work = runTool(what, [program, ...options, ...args], {
    signal,
    environment: { ...environment, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    onLine: (text) => {
      if (/^(?:Get:|Unpacking|Setting up)/.test(text)) line = text.replace(/ \.\.\.$/, '');
    },
    advice: 'Does apt reach its mirror here?',
  });
  return (await whileWorking(clock, say, work)).stdout;
}

async function checkVersion(apt: Apt): Promise<void> {
  const cache = onPath(['apt-cache'], apt.workshop.environment) ?? 'apt-cache';
  const policy = await call('looking for Mesa', cache, ['policy', PACKAGES[0]!], apt);
  const version = /^ *Candidate: *(\S+)/m.exec(policy)?.[1] ?? '(none)';
  if (Number.parseInt(version.replace(/^\d+:/, ''), 10) >= OLDEST_MESA) return;
  throw curfewError(
    'SETUP_FAILED',
    `package ${PACKAGES[0]}: expected version ${OLDEST_MESA} or later, received ${version}`,
  );
}

/** Downloads first: unpacking is not to be interrupted, or dpkg would have to be put right by hand. */
async function install(apt: Apt): Promise<void> {
  const args = ['install', '-y', '--no-install-recommends', '-o', `DPkg::Lock::Timeout=${LOCK_WAIT_S}`];
  await call('downloading packages', apt.get, [...args, '--download-only', ...PACKAGES], apt);
  const never = new AbortController().signal;
  await call('installing packages', apt.get, [...args, ...PACKAGES], apt, never);
  apt.workshop.signal.throwIfAborted();
}

/**
 * Installs Mesa's Vulkan drivers and the Vulkan loader.
 *
 * @throws SETUP_FAILED where this is no machine for it, apt fails, or its Mesa is too old
 */
export async function installLavapipe(workshop: WebGpuWorkshop): Promise<void> {
  const { machine, environment, report } = workshop;
  const refuse = (expected: string) => {
    throw curfewError('SETUP_FAILED', `installing lavapipe: expected ${expected}`);
  };
  if (!machine.isRoot) refuse('to be run by root');
  const get = onPath(['apt-get'], environment);
  if (get === undefined) refuse('apt-get on PATH (Debian, Ubuntu)');
  const release = await oldRelease(machine.root);
  const options = release === undefined ? [] : await backportsOptions(release, workshop);
  const apt: Apt = { workshop, get: get!, options };
  report(
    `Installing ${PACKAGES.join(', ')} with ${basename(get!)}${release === undefined ? '' : `, from ${release}-backports`} (about 60 MB)`,
  );
  await call('reading the lists of packages', get!, ['update'], apt);
  await checkVersion(apt);
  await install(apt);
}
