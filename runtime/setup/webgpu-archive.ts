/** Takes single files out of packages of npm's registry. */
import { posix } from 'node:path';
import { sizeOf } from './folder-size.js';
import { packPackage } from './npm-package.js';
import { Share, showSize, whileWorking } from './progress.js';
import { checkRoom } from './room.js';
import { runTool } from './run-tool.js';
import { NPM, onPath, refuseMissing } from './tools.js';
import type { PinnedArchive } from './webgpu-pins.js';
import type { WebGpuWorkshop } from './webgpu-task.js';

/** @throws SETUP_FAILED where it is missing, which `what` says in words */
function findProgram(name: string, what: string, environment: NodeJS.ProcessEnv): string {
  const found = onPath([name], environment);
  refuseMissing(found === undefined ? [what] : []);
  return found!;
}

/**
 * Unpacks files of an archive of tar into a folder, without the folders that they lie in there.
 *
 * @param members paths in the archive, all in one folder
 * @throws SETUP_FAILED
 */
export async function unpackMembers(
  archive: string,
  members: readonly string[],
  target: string,
  { environment, signal }: WebGpuWorkshop,
): Promise<void> {
  const tar = findProgram('tar', 'tar', environment);
  const depth = posix.dirname(members[0]!).split('/').length;
  const options = ['-xf', archive, '-C', target, '--no-same-owner'];
  const strip = members[0]!.includes('/') ? [`--strip-components=${depth}`] : [];
  await runTool(`unpacking ${archive}`, [tar, ...options, ...strip, ...members], { signal, environment });
}

/**
 * Downloads a package and puts files of it into a folder.
 *
 * @param files paths in the package, all in one folder
 * @throws SETUP_FAILED
 */
export async function takeFiles(
  pinned: PinnedArchive,
  files: readonly string[],
  target: string,
  workshop: WebGpuWorkshop,
): Promise<void> {
  const { cache, clock, report, environment, makeFolder } = workshop;
  const npm = findProgram('npm', NPM, environment);
  const { requirement, bytes, keptBytes } = pinned;
  report(`Downloading ${requirement} (${showSize(bytes)}, of which ${showSize(keptBytes)} are kept)`);
  // npm keeps a copy, here in a folder that goes when the set-up ends.
  await checkRoom(cache, 2 * bytes + keptBytes);
  const npmCache = await makeFolder();
  const share = new Share(bytes, { clock, report });
  const archive = await whileWorking(
    clock,
    async () => share.set(await sizeOf(npmCache)),
    packPackage(pinned, { ...workshop, npm }, npmCache),
  );
  const members = files.map((file) => posix.join('package', file.replaceAll('\\', '/')));
  await unpackMembers(archive, members, target, workshop);
}
