/** What the device refuses. Dawn tells of it by an event, at once for what it can judge at once, otherwise by the next fence. */
import { type CurfewError, curfewError } from '../../scheduler/errors.js';

/** Failures beyond the first follow from it, as a rule, and there may be one for each node. */
const MAX_MESSAGE_LENGTH = 600;

export class Failures {
  #first: CurfewError | undefined;

  constructor(device: GPUDevice) {
    device.onuncapturederror = (event) => {
      event.preventDefault();
      this.#first ??= failureOf(event.error);
    };
  }

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  /** The first failure that nobody has taken; the others go with it. */
  take(): CurfewError | undefined {
    const first = this.#first;
    this.#first = undefined;
    return first;
  }

  /** Does something that the device judges at once. @throws what it refuses, which then is nobody else's failure */
  throwing<Result>(work: () => Result): Result {
    const before = this.take();
    const result = work();
    const failure = this.take();
    this.#first = before;
    if (failure !== undefined) throw failure;
    return result;
  }
}

function failureOf(error: GPUError): CurfewError {
  const code = error.constructor.name === 'GPUOutOfMemoryError' ? 'OUT_OF_MEMORY' : 'KERNEL_FAILED';
  const message = error.message.trim();
  return curfewError(code, `the GPU: ${message.slice(0, MAX_MESSAGE_LENGTH)}`, { cause: message });
}
