/** Splits the text of a JSON object that holds one long list, without ever holding all of it. */

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Characters of one element, and of what stands around the list. Parsing takes some 30 bytes for each in the worst case. */
const MAX_PIECE_LENGTH = 2 ** 24;

const isBlank = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d);

/**
 * Hands each element of the list on as text, and returns the text around the list in the end. The text as a whole is JSON if
 * and only if all of these pieces are: the scanner counts brackets and leaves the rest to the parser.
 */
export class ListScanner {
  readonly #key: string;
  readonly #onElement: (text: string) => void;
  /** The text so far around the list, and of the element being read. */
  #frame = '';
  #element = '';
  #depth = 0;
  #inString = false;
  #escaped = false;
  #inList = false;
  #found = false;
  #elements = 0;

  /** `key` names the list among the fields of the object. */
  constructor(key: string, onElement: (text: string) => void) {
    this.#key = `"${key}"`;
    this.#onElement = onElement;
  }

  /** Takes the next part of the text. @throws SyntaxError for a text that is no object, or has too long a piece */
  push(text: string): void {
    let taken = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (this.#inString) this.#scanString(code);
      else if (this.#depth === 0) this.#scanOutside(code);
      else if (code === QUOTE) this.#inString = true;
      else if (code === OPEN_BRACE) this.#depth++;
      else if (code === OPEN_BRACKET) {
        this.#depth++;
        if (this.#depth !== 2 || this.#found || !this.#follows(text.slice(taken, at))) continue;
        this.#frame += text.slice(taken, at + 1);
        taken = at + 1;
        this.#inList = true;
        this.#found = true;
      } else if (code === COMMA && this.#inList && this.#depth === 2) {
        this.#endElement(text.slice(taken, at));
        taken = at + 1;
      } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
        this.#depth--;
        if (!this.#inList || this.#depth !== 1) continue;
        const last = text.slice(taken, at);
        if (this.#elements > 0 || `${this.#element}${last}`.trim() !== '') this.#endElement(last);
        taken = at;
        this.#inList = false;
      }
    }
    this.#keep(text.slice(taken));
  }

  /** Returns the object's text with its list empty. @throws SyntaxError for a text that ends too early */
  end(): string {
    if (this.#depth > 0 || this.#frame.trim() === '')
      throw new SyntaxError('expected an object, received the end of the text');
    return this.#frame;
  }

  #scanString(code: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (code === BACKSLASH) this.#escaped = true;
    else if (code === QUOTE) this.#inString = false;
  }

  #scanOutside(code: number): void {
    if (isBlank(code)) return;
    if (code !== OPEN_BRACE)
      throw new SyntaxError(`expected an object, received ${JSON.stringify(String.fromCharCode(code))}`);
    this.#depth = 1;
  }

  /** Whether the key and a colon end the frame and what comes behind it, blanks aside. */
  #follows(behind: string): boolean {
    const colon = this.#beforeBlanks(behind, this.#frame.length + behind.length);
    if (this.#codeAt(behind, colon) !== COLON) return false;
    const start = this.#beforeBlanks(behind, colon) + 1 - this.#key.length;
    for (let index = 0; index < this.#key.length; index++)
      if (this.#codeAt(behind, start + index) !== this.#key.charCodeAt(index)) return false;
    return this.#codeAt(behind, start - 1) !== BACKSLASH;
  }

  /** Place of the last character before `end` that is no blank; -1 where there is none. */
  #beforeBlanks(behind: string, end: number): number {
    let place = end - 1;
    while (place >= 0 && isBlank(this.#codeAt(behind, place))) place--;
    return place;
  }

  #codeAt(behind: string, place: number): number {
    const { length } = this.#frame;
    return place < length ? this.#frame.charCodeAt(place) : behind.charCodeAt(place - length);
  }

  #endElement(rest: string): void {
    const element = this.#element + rest;
    this.#element = '';
    this.#elements++;
    this.#onElement(element);
  }

  #keep(rest: string): void {
    if (this.#inList) this.#element += rest;
    else this.#frame += rest;
    if (this.#element.length > MAX_PIECE_LENGTH || this.#frame.length > MAX_PIECE_LENGTH)
      throw new SyntaxError(`expected at most ${MAX_PIECE_LENGTH} characters in one piece, received more`);
  }
}
