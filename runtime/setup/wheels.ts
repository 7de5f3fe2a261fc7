/** Downloads wheels with pip and unpacks what is needed of them, each into a folder that appears when it is complete. */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sizeOf } from './folder-size.js';
import { checkHash, hashFile } from './hash-file.js';
import { PIP_TARGET, type Wheel } from './pins.js';
import { Share, showSize, whileWorking } from './progress.js';
import { runTool } from './run-tool.js';
import type { Workshop } from './workplace.js';

/** Unpacks members of a wheel; prints how many bytes it has written by then. */
const UNPACK = `
import os, sys, zipfile
wheel, target, *parts = sys.argv[1:]
files = tuple(part for part in parts if not part.endswith('/'))
folders = tuple(part for part in parts if part.endswith('/'))
done = 0
with zipfile.ZipFile(wheel) as archive:
    for member in archive.infolist():
        if member.is_dir() or not (member.filename in files or folders and member.filename.startswith(folders)):
            continue
        path = os.path.join(target, *member.filename.split('/'))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(member) as source, open(path, 'wb') as copy:
            while chunk := source.read(1 << 22):
                copy.write(chunk)
                done += len(chunk)
                print(done, flush=True)
        # zipfile drops permissions, and programs among the files have to stay programs.
        os.chmod(path, 0o755 if (member.external_attr >> 16) & 0o100 else 0o644)
`;

/** Of wheels that are whole but not unpacked yet. */
export const downloadsFolder = (cache: string): string => join(cache, 'tensorflow', 'downloads');

/** The wheel's file, in `downloads`. One that an earlier set-up has left there is not downloaded again. */
async function download(
  wheel: Wheel,
  downloads: string,
  { python, environment, signal, clock, report, makeFolder }: Workshop,
): Promise<string> {
  const file = join(downloads, wheel.file);
  if (existsSync(file) && (await hashFile(file, 'sha256', 'hex')) === wheel.sha256) return file;
  report(`Downloading ${wheel.file} (${showSize(wheel.bytes)})`);
  const folder = await makeFolder();
  const pip = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--no-cache-dir', '--no-input'];
  const pipOptions = [
    '--disable-pip-version-check',
    '--progress-bar',
    'off',
    ...PIP_TARGET,
    '--dest',
    folder,
  ];
  const share = new Share(wheel.bytes, { clock, report });
  await whileWorking(
    clock,
    async () => share.set(await sizeOf(folder)),
    runTool(`downloading ${wheel.requirement}`, [python, ...pip, ...pipOptions, wheel.requirement], {
      signal,
      // pip's own temporary files go with the folder.
      environment: { ...environment, TMPDIR: folder },
      advice: 'Does pip reach a package index here? With a library of your own none is needed: --library DIR',
    }),
  );
  const downloaded = join(folder, wheel.file);
  await checkHash(downloaded, wheel.file, ['sha256', wheel.sha256]);
  await mkdir(downloads, { recursive: true });
  await rename(downloaded, file);
  return file;
}

async function unpack(wheel: Wheel, file: string, target: string, workshop: Workshop): Promise<void> {
  const { python, environment, signal, clock, report, makeFolder } = workshop;
  report(`Unpacking ${wheel.file} (${showSize(wheel.unpackedBytes)})`);
  const folder = await makeFolder();
  const share = new Share(wheel.unpackedBytes, { clock, report });
  await runTool(`unpacking ${wheel.file}`, [python, '-c', UNPACK, file, folder, ...wheel.parts], {
    signal,
    environment,
    onLine: (line) => share.set(Number(line)),
  });
  await mkdir(dirname(join(target, wheel.root)), { recursive: true });
  // What is there was damaged, or it would not be unpacked again.
  await rm(join(target, wheel.root), { recursive: true, force: true });
  await rename(join(folder, wheel.root), join(target, wheel.root));
  await rm(file, { force: true });
}

/** Those that `target` lacks. */
export function missingWheels(wheels: readonly Wheel[], target: string): Wheel[] {
  return wheels.filter(({ root, parts }) => {
    const files = parts.filter((part) => !part.endsWith('/'));
    return ![root, ...files].every((path) => existsSync(join(target, path)));
  });
}

/** Puts what is needed of the wheels into `target`. */
export async function unpackWheels(
  wheels: readonly Wheel[],
  target: string,
  downloads: string,
  workshop: Workshop,
): Promise<void> {
  for (const wheel of missingWheels(wheels, target)) {
    await unpack(wheel, await download(wheel, downloads, workshop), target, workshop);
  }
}
