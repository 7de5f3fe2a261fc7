#!/usr/bin/env node
/** The program `curfew`. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { quote } from '../scheduler/errors.js';
import { type CommandResult, USAGE as TIMELINE_USAGE, timelineCommand } from './timeline/command.js';

const USAGE = `${TIMELINE_USAGE}

curfew --version                which version this is
curfew --help                   this text`;

async function readVersion(): Promise<string> {
  const file = fileURLToPath(import.meta.resolve('curfew/package.json'));
  return (JSON.parse(await readFile(file, 'utf8')) as { readonly version: string }).version;
}

function wrongCall(why: string): CommandResult {
  return { output: '', error: `${why}\n\n${USAGE}`, exitCode: 2 };
}

async function runCommand([command, ...args]: readonly string[]): Promise<CommandResult> {
  switch (command) {
    case undefined:
    case '--help':
    case '-h':
      return { output: USAGE, error: '', exitCode: 0 };
    case '--version':
    case '-v':
      if (args.length > 0) return wrongCall(`expected nothing after ${command}, received ${quote(args[0])}`);
      return { output: await readVersion(), error: '', exitCode: 0 };
    case 'timeline':
      return timelineCommand(args);
    default:
      return wrongCall(`expected the command timeline, received ${quote(command)}`);
  }
}

const { output, error, exitCode } = await runCommand(process.argv.slice(2));
if (output !== '') console.log(output);
if (error !== '') console.error(error);
process.exitCode = exitCode;
