#!/usr/bin/env node
/** The program `curfew`. */
import { timelineCommand, USAGE } from './timeline/command.js';

const [command, ...args] = process.argv.slice(2);
const result =
  command === 'timeline'
    ? await timelineCommand(args)
    : { output: '', error: `expected the command timeline\n\n${USAGE}`, exitCode: 2 as const };
if (result.output !== '') console.log(result.output);
if (result.error !== '') console.error(result.error);
process.exitCode = result.exitCode;
