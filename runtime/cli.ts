#!/usr/bin/env node
/** The program `curfew`. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { quote } from '../scheduler/errors.js';
import { USAGE as SETUP_USAGE, type SetupCommandResult, setupCommand } from './setup/command.js';
import { USAGE as TIMELINE_USAGE, timelineCommand } from './timeline/command.js';

const USAGE = `${TIMELINE_USAGE}

${SETUP_USAGE}

curfew --version                which version this is
curfew --help                   this text`;

async function readVersion(): Promise<string> {
  const file = fileURLToPath(import.meta.resolve('curfew/package.json'));
  return (JSON.parse(await readFile(file, 'utf8')) as { readonly version: string }).version;
}

function wrongCall(why: string): SetupCommandResult {
  return { output: '', error: `${why}\n\n${USAGE}`, exitCode: 2 };
}

async function runCommand([command, ...args]: readonly string[]): Promise<SetupCommandResult> {
  switch (command) {
    case undefined:
    case 'help':
    case '--help':
    case '-h':
      return { output: USAGE, error: '', exitCode: 0 };
    case '--version':
    case '-v':
      if (args.length > 0) return wrongCall(`expected nothing after ${command}, received ${quote(args[0])}`);
      return { output: await readVersion(), error: '', exitCode: 0 };
    case 'timeline':
      return timelineCommand(args);
    case 'setup':
      return setupCommand(args, (line) => console.error(line));
    default:
      return wrongCall(`expected the command timeline or setup, received ${quote(command)}`);
  }
}

const { output, error, exitCode } = await runCommand(process.argv.slice(2));
if (output !== '') console.log(output);
if (error !== '') console.error(error);
process.exitCode = exitCode;
