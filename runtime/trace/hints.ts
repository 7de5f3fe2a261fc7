/** Errors of TensorFlow.js that say nothing to those who wrote the traced function, told with what to do. */
import { CurfewError } from '../../scheduler/errors.js';
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
  {
    message: /^The dict provided in model\.execute\(dict\) has keys/,
    expected: 'a model to be called with inputs of its own names',
    advice:
      'name the inputs of trace() as model.inputs does, or hand over one of them: ({ x }) => model.predict(x)',
  },
];

/** All inputs come in one object: what other parameters take apart is `undefined`. */
const MORE_PARAMETERS: Hint = {
  message: /\bundefined\b/,
  expected: 'a function of one object with all inputs',
  advice: 'further parameters are undefined: write ({ a, b }) => … rather than ({ a }, { b }) => …',
};

/**
 * What to throw when a traced function threw this: the error itself, or one that explains it.
 *
 * @param parameters how many the function declares
 */
export function explainThrown(thrown: unknown, parameters: number): unknown {
  if (thrown instanceof CurfewError) return thrown;
  const message = messageOf(thrown);
  const hints = parameters > 1 ? [...HINTS, MORE_PARAMETERS] : HINTS;
  const hint = hints.find((hint) => hint.message.test(message));
  if (hint === undefined) return thrown;
  const { expected, advice } = hint;
  return invalidTrace(
    `trace(): expected ${expected}, received an error: ${message.replace(/\.$/, '')}; ${advice}`,
    { expected, received: message, cause: thrown },
  );
}
