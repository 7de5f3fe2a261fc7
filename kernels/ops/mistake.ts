/** What an op finds wrong with its inputs or attributes; `inferNode` adds the node and makes it a `CurfewError`. */
import { quote } from '../../scheduler/errors.js';

/** A contradiction between what an op expects and what it received. */
export class Mistake extends Error {
  readonly expected: string;
  readonly received: unknown;

  constructor(expected: string, received: unknown) {
    super(`expected ${expected}, received ${quote(received)}`);
    this.name = 'Mistake';
    this.expected = expected;
    this.received = received;
  }
}

/** Throws a `Mistake` unless `condition` holds. */
export function expect(condition: boolean, expected: string, received: unknown): asserts condition {
  if (!condition) throw new Mistake(expected, received);
}
