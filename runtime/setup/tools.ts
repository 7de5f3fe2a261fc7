/** The programs that a set-up needs, found before anything is downloaded. */
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { curfewError } from '../../scheduler/errors.js';
import { runTool } from './run-tool.js';

/** Absolute paths. */
export interface Tools {
  readonly python: string;
  readonly npm: string;
  /** A script for Node.js. */
  readonly nodeGyp: string;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** The first of these programs that is on the path. */
export function onPath(names: readonly string[], environment: NodeJS.ProcessEnv): string | undefined {
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
}

/** The node-gyp that npm names to the scripts it runs, or the one that comes with npm. */
function findNodeGyp(npm: string, environment: NodeJS.ProcessEnv): string | undefined {
  const inNpm = join(dirname(dirname(realpathSync(npm))), 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  const candidates = [environment['npm_config_node_gyp'], inNpm];
  return candidates.find((file) => file !== undefined && statSync(file, { throwIfNoEntry: false })?.isFile());
}

async function hasPip(python: string, environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<boolean> {
  const call = runTool('looking for pip', [python, '-m', 'pip', '--version'], { environment, signal });
  return call.then(
    () => true,
    () => false,
  );
}

/** What npm is for those who have none. */
export const NPM = 'npm, which comes with Node.js';

/** @throws SETUP_FAILED with what is missing, each in words */
export function refuseMissing(missing: readonly string[]): void {
  if (missing.length === 0) return;
  const lines = missing.map((what) => `  ${what}`).join('\n');
  throw curfewError('SETUP_FAILED', `programs on PATH: expected these, found none\n${lines}`);
}

/**
 * Finds all of them, or says what is missing, everything at once.
 *
 * @throws SETUP_FAILED
 */
export async function findTools(
  needsPip: boolean,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Tools> {
  const python = onPath(['python3', 'python'], environment);
  const npm = onPath(['npm'], environment);
  const nodeGyp = npm === undefined ? undefined : findNodeGyp(npm, environment);
  const compiler = environment['CXX'] ?? onPath(['g++', 'c++', 'clang++'], environment);
  const missing: string[] = [];
  const expect = (found: unknown, what: string) => {
    if (found === undefined || found === false) missing.push(what);
  };
  expect(python, 'Python 3.8 or later (Debian, Ubuntu: apt install python3)');
  if (needsPip && python !== undefined) {
    const what = 'pip for that Python (Debian, Ubuntu: apt install python3-pip), or a library: --library DIR';
    expect(await hasPip(python, environment, signal), what);
  }
  expect(npm, NPM);
  if (npm !== undefined) expect(nodeGyp, 'node-gyp, which comes with npm: install npm anew');
  expect(compiler, 'a C++ compiler (Debian, Ubuntu: apt install g++)');
  expect(onPath(['make'], environment), 'make (Debian, Ubuntu: apt install make)');
  signal.throwIfAborted();
  refuseMissing(missing);
  return { python: python!, npm: npm!, nodeGyp: nodeGyp! };
}
