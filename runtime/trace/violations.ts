/** What a traced function does that a graph cannot represent. */
import { curfewError, type ErrorDetails, quote } from '../../scheduler/errors.js';

/** An INVALID_TRACE error. */
export function invalidTrace(message: string, details: ErrorDetails = {}): Error {
  return curfewError('INVALID_TRACE', message, details);
}

/** The error for a constant of a dtype that no graph has. */
export function unsupportedConstant(dtype: unknown): Error {
  const expected = 'float32, int32 or bool';
  return curfewError(
    'UNSUPPORTED_OP',
    `trace(): expected constants of dtype ${expected}, received ${quote(dtype)}; ` +
      'compute with it in a host node (GraphBuilder.host), or outside the graph',
    { expected, received: dtype },
  );
}

/** The first violation of one trace. It fails the trace even when the traced function catches what is thrown at it. */
export class Violations {
  #first: Error | undefined;

  /** Keeps the violation and returns it, to be thrown. */
  note(violation: Error): Error {
    this.#first ??= violation;
    return violation;
  }

  get first(): Error | undefined {
    return this.#first;
  }
}

/** Of the trace whose function runs now; there is one at most, as the function is synchronous. */
let active: Violations | undefined;

/** Violations of the trace in progress, if one is. */
export function activeViolations(): Violations | undefined {
  return active;
}

/** Runs `action` as the trace in progress. */
export function whileActive<Result>(violations: Violations, action: () => Result): Result {
  active = violations;
  try {
    return action();
  } finally {
    active = undefined;
  }
}
