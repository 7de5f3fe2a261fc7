/** Exceptions that are meant to surface as uncaught ones: as many as are counted here end no process and no test. */

/**
 * Has uncaught exceptions that `isExpected` counted instead of handled as usual, until the function returned is called.
 */
export function expectExceptions(isExpected: (error: unknown) => boolean): () => number {
  let count = 0;
  const usual = process.listeners('uncaughtException');
  const listener = (error: Error, origin: NodeJS.UncaughtExceptionOrigin) => {
    if (isExpected(error)) count++;
    else if (usual.length > 0) for (const handle of usual) handle(error, origin);
    else throw error;
  };
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', listener);
  return () => {
    process.off('uncaughtException', listener);
    for (const handle of usual) process.on('uncaughtException', handle);
    return count;
  };
}
