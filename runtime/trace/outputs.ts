/** What a traced function returns, as named tensors. */
import { Tensor } from '@tensorflow/tfjs-core';
import { checkName } from '../../scheduler/check/name.js';
import { quote } from '../../scheduler/errors.js';
import { invalidTrace } from './violations.js';

const EXPECTED = 'a tensor, an array of tensors or a record of them';

/**
 * Names the tensors of a result: `output`; `output_0`, … of an array; the keys of a record, numbered where an array stands.
 *
 * @throws INVALID_TRACE for a promise, anything that is no tensor, and no tensors at all
 */
export function namedOutputs(result: unknown): Map<string, Tensor> {
  refusePromise(result, 'one that returns a promise');
  const outputs = new Map<string, Tensor>();
  if (result instanceof Tensor || Array.isArray(result)) addOutput(outputs, 'output', result);
  else if (typeof result === 'object' && result !== null) {
    for (const [name, value] of Object.entries(result)) addOutput(outputs, checkName(name, 'output'), value);
  } else throw unusable('the result', result);
  if (outputs.size === 0) {
    throw invalidTrace('trace(): expected at least one tensor from the function, received none', {
      expected: EXPECTED,
      received: result,
    });
  }
  return outputs;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}

function refusePromise(value: unknown, received: string): void {
  if (!isPromise(value)) return;
  // Whatever it rejects with comes from a function that has been refused.
  value.then(undefined, () => {});
  throw invalidTrace(
    `trace(): expected a synchronous function, received ${received}; await what it needs before trace(), and call a ` +
      "GraphModel's execute() rather than executeAsync() (a model that insists on the latter has control flow or shapes " +
      'that depend on values, which no graph holds); ops that only come as …Async belong in a host node (GraphBuilder.host)',
    { expected: EXPECTED, received: 'promise' },
  );
}

function addOutput(outputs: Map<string, Tensor>, name: string, value: unknown): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) addTensor(outputs, `${name}_${index}`, item);
  } else addTensor(outputs, name, value);
}

function addTensor(outputs: Map<string, Tensor>, name: string, value: unknown): void {
  const what = `output ${quote(name)}`;
  refusePromise(value, `one whose ${what} is a promise`);
  if (!(value instanceof Tensor)) throw unusable(what, value);
  if (value.isDisposed) throw unusable(what, 'a disposed tensor');
  if (outputs.has(name))
    throw invalidTrace(`trace(): expected names of outputs to differ, received ${what} twice`);
  outputs.set(name, value);
}

function unusable(what: string, received: unknown): Error {
  return invalidTrace(`trace(): expected ${what} to be ${EXPECTED}, received ${quote(received)}`, {
    expected: EXPECTED,
    received,
  });
}
