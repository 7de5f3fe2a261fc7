/** Seeds of random tests: fresh ones each time, or the one that `CURFEW_SEED` asks to replay. */

function freshSeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}

/** `count` consecutive seeds from a fresh one; the one of `CURFEW_SEED` alone when it is set. */
export function seeds(count: number): readonly number[] {
  const replay = process.env['CURFEW_SEED'];
  if (replay !== undefined) return [Number(replay)];
  const first = freshSeed();
  return Array.from({ length: count }, (_, index) => first + index);
}

/** Calls `body` with a seed; what it throws says how to replay it. */
export async function withSeed(seed: number, body: () => Promise<void> | void): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (error instanceof Error) error.message = `CURFEW_SEED=${seed}: ${error.message}`;
    throw error;
  }
}
