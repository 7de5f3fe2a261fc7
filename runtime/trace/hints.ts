/** Errors of TensorFlow.js that say nothing to those who wrote the traced function, told with what to do. */
import { messageOf } from '../../scheduler/quote.js';
import { invalidTrace } from './violations.js';

interface Hint {
  readonly message: RegExp;
  readonly expected: string;
  readonly advice: string;
}

const HINTS: readonly Hint[] = [
  {
    message: /^Cannot compute gradient: gradient function not found/,
    expected: 'ops whose gradients are registered',
    advice:
      "import '@tensorflow/tfjs-layers' or '@tensorflow/tfjs', which register them; tfjs-core alone does not",
  },
];

/** What to throw when a traced function threw this: the error itself, or one that explains it. */
export function explainThrown(thrown: unknown): unknown {
  const message = messageOf(thrown);
  const hint = HINTS.find((hint) => hint.message.test(message));
  if (hint === undefined) return thrown;
  const { expected, advice } = hint;
  return invalidTrace(
    `trace(): expected ${expected}, received an error: ${message.replace(/\.$/, '')}; ${advice}`,
    { expected, received: message, cause: thrown },
  );
}
