/** Waiting for a condition, never for a time. */

const GIVE_UP_AFTER_MS = 20_000;

/** Resolves once the condition holds; looks at it once per turn of the event loop. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const startMs = performance.now();
  while (!condition()) {
    if (performance.now() - startMs > GIVE_UP_AFTER_MS) throw new Error(`gave up waiting until ${what}`);
    await nextTurn();
  }
}

/** One turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
