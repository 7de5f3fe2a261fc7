/** Turns the text of an exported timeline into what it shows, event by event, and checks it on the way. */
import { curfewError } from '../../../scheduler/errors.js';
import { ViewBuilder } from '../timeline-view.js';
import type { ChromeTrace } from '../trace-event.js';
import { frameMistakes } from './check.js';
import { TimelineChecker } from './checker.js';
import { ListScanner } from './list-scanner.js';
import { TimelineFile } from './timeline-file.js';

/** Reads one exported timeline. The file may be anything. */
export class TimelineReader {
  readonly #file: string;
  readonly #checker = new TimelineChecker();
  readonly #view = new ViewBuilder();
  readonly #scanner = new ListScanner('traceEvents', (text) => this.#read(text));
  #events = 0;

  /** `file` is what errors call it. */
  constructor(file: string) {
    this.#file = file;
  }

  /** Takes the next part of the text. @throws SyntaxError */
  push(text: string): void {
    this.#scanner.push(text);
  }

  /** Ends the text. @throws SyntaxError; INVALID_TIMELINE for a text that breaks the rules of the format */
  end(): TimelineFile {
    const frame: unknown = JSON.parse(this.#scanner.end());
    const problems = this.#problemsOf(frame);
    if (problems.length > 0) {
      throw curfewError(
        'INVALID_TIMELINE',
        problems.map((problem) => `${this.#file}: ${problem}`).join('\n'),
        {
          expected: 'an exported timeline',
          received: problems[0],
        },
      );
    }
    const { otherData } = frame as ChromeTrace;
    return new TimelineFile(this.#file, this.#events, this.#view.view(otherData));
  }

  #problemsOf(frame: unknown): readonly string[] {
    const mistakes = frameMistakes(frame);
    if (mistakes.length > 0) return mistakes;
    // The scanner has emptied the list, unless there are several or escapes hide its key.
    if ((frame as ChromeTrace).traceEvents.length > 0) return ['traceEvents: expected one list'];
    return this.#checker.finish();
  }

  #read(text: string): void {
    const event: unknown = JSON.parse(text);
    this.#events++;
    if (this.#checker.add(event)) this.#view.add(event);
  }
}
