/** Flags of Node that worker threads are started with. */

/**
 * `execArgv` for a thread: none of its own, so that it inherits the process's, loaders included. Only a process that
 * evaluates a module given on its command line passes on none, for Node refuses to start a thread from a file with
 * `--input-type`, and refuses a list of flags with V8's among them.
 */
export function threadExecArgv(): { execArgv?: string[] } {
  return process.execArgv.some((flag) => flag.startsWith('--input-type')) ? { execArgv: [] } : {};
}
