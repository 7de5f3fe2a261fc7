/** The inbox of a stream's thread: messages are handled one after the other, also where handling one is asynchronous. */

export class Inbox<Message> {
  readonly #handle: (message: Message) => Promise<void> | undefined;
  readonly #onIdle: () => void;
  readonly #waiting: Message[] = [];
  #busy = false;

  /**
   * @param handle handles a message, within the call or until the promise it returns has settled
   * @param onIdle called whenever a message has been handled and none waits
   */
  constructor(handle: (message: Message) => Promise<void> | undefined, onIdle: () => void = () => undefined) {
    this.#handle = handle;
    this.#onIdle = onIdle;
  }

  /**
   * Takes a message. Returns whether it was handled within the call. What `handle` throws within the call is thrown; a
   * rejection is an unhandled one.
   */
  receive(message: Message): boolean {
    if (this.#busy) {
      this.#waiting.push(message);
      return false;
    }
    const pending = this.#handle(message);
    if (pending === undefined) this.#onIdle();
    else void this.#handleRest(pending);
    return pending === undefined;
  }

  async #handleRest(first: Promise<void>): Promise<void> {
    this.#busy = true;
    await first;
    for (let message = this.#waiting.shift(); message !== undefined; message = this.#waiting.shift())
      await this.#handle(message);
    this.#busy = false;
    this.#onIdle();
  }
}
