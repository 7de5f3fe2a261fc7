/** Flags of Node that worker threads are started with. */

const INPUT_TYPE = '--input-type';

/**
 * The process's own flags, such as loaders and `--expose-gc`, but for the one that says what `--eval` evaluates: Node
 * refuses to start a thread from a file with it.
 */
export function threadExecArgv(): string[] {
  const { execArgv } = process;
  const isInputType = (index: number) => execArgv[index] === INPUT_TYPE;
  return execArgv.filter(
    (flag, index) => !isInputType(index) && !isInputType(index - 1) && !flag.startsWith(`${INPUT_TYPE}=`),
  );
}
