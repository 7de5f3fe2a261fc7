/**
 * Keeps TensorFlow's library from printing. It looks once, when it is loaded, at the variable TF_CPP_MIN_LOG_LEVEL of the
 * process. A worker thread sees a copy of the environment only, so the main thread sets the variable while threads start
 * that may load the library, and takes it away afterwards. Who has set the variable gets the log they asked for.
 */

const VARIABLE = 'TF_CPP_MIN_LOG_LEVEL';
/** Nothing but what ends the process. */
const SILENT = '3';

/** Calls within which the library may be loaded. */
let open = 0;
let isOurs = false;

function enter(): void {
  open++;
  if (process.env[VARIABLE] !== undefined) return;
  process.env[VARIABLE] = SILENT;
  isOurs = true;
}

function leave(): void {
  open--;
  if (open > 0 || !isOurs) return;
  // Whoever has set it meanwhile keeps it.
  if (process.env[VARIABLE] === SILENT) delete process.env[VARIABLE];
  isOurs = false;
}

/** Loads the library, on this thread. */
export function withQuietLibrary<Result>(load: () => Result): Result {
  enter();
  try {
    return load();
  } finally {
    leave();
  }
}

/** Starts threads that load the library before the promise settles. To be called on the main thread. */
export async function withQuietThreads<Result>(start: () => Promise<Result>): Promise<Result> {
  enter();
  try {
    return await start();
  } finally {
    leave();
  }
}
