/** From a TensorFlow.js function to a graph. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { quote } from '../scheduler/errors.js';
import type { Graph } from '../scheduler/graph.js';
import type { TensorSpecs } from '../scheduler/tensor.js';
import type { TracedOutputs, TraceFunction, TraceResult } from './trace/signature.js';
import { activeViolations, invalidTrace } from './trace/violations.js';

export type { TracedInput, TracedOutputs, TraceFunction, TraceResult } from './trace/signature.js';

/**
 * Records the kernels that TensorFlow.js code calls, as a graph: Keras layers, `GraphModel.execute`, own functions, a
 * training step with its gradients.
 *
 * `fn` is called once, synchronously, with a tensor for each input. Tensors that depend on an input have dtype and shape
 * but no data: whatever `fn` decides, it decides once, here. What depends on constants only is computed at once and becomes a
 * constant, random numbers included. Weights are copied: later changes of a variable do not reach the graph. Nodes that
 * no output needs are left out.
 *
 * Afterwards TensorFlow.js is as it was: same backend, tensors and variables. Variables that `fn` assigns (an
 * optimizer's, moving averages) get their values back, so to keep state, take it as inputs and return it as outputs;
 * a returned variable gives its value at the end of `fn`. Variables that `fn` creates, such as an optimizer's
 * accumulators, and tensors it `keep`s stay, with their initial values; those that depend on an input are disposed.
 * The one thing that stays behind is that TensorFlow.js's cpu backend is registered, as by importing it: TensorFlow.js takes it
 * from then on where no other is there. To remove it would take it from code that imports it later, as a module registers once.
 *
 * @param inputs dtype ('float32', 'int32', 'bool') and shape of each input, without unknown dimensions
 * @returns a graph with these inputs and as outputs what `fn` returns: a tensor is called `output`, those of an array
 *   `output_0`, `output_1`, …, those of a record by their keys (`key_0`, … where an array stands). Its type knows the
 *   names, so that a misspelt feed or output does not compile
 * @throws INVALID_TRACE when `fn` reads the value of a tensor that depends on an input (`dataSync`, `data`, `print`),
 *   returns a promise or something other than tensors, or calls `trace`, or when an attribute is no plain data;
 *   INVALID_GRAPH for malformed inputs; UNSUPPORTED_OP for an op whose output shapes depend on values, or on dtypes
 *   other than the three; INVALID_ATTRIBUTE when an op's attributes contradict its inputs; KERNEL_FAILED when a kernel
 *   of constants gets indices out of range; whatever `fn` itself throws
 * @example
 * const graph = await trace(({ x }) => ({ y: model.predict(x) }), { x: { dtype: 'float32', shape: [1, 224, 224, 3] } });
 * @example
 * // One training step; state goes in and comes out.
 * const step = await trace(
 *   ({ x, y, w0 }) => {
 *     w.assign(w0);
 *     const loss = optimizer.minimize(() => tf.losses.meanSquaredError(y, tf.matMul(x, w)), true);
 *     return { loss, w };
 *   },
 *   { x: { dtype: 'float32', shape: [8, 4] }, y: { dtype: 'float32', shape: [8, 1] }, w0: { dtype: 'float32', shape: [4, 1] } },
 * );
 */
export function trace<const Inputs extends TensorSpecs, const Result extends TraceResult>(
  fn: TraceFunction<Inputs, Result>,
  inputs: Inputs,
): Promise<Graph<Inputs, TracedOutputs<Result>>> {
  const outer = activeViolations();
  if (outer === undefined) return record(fn, inputs) as Promise<Graph<Inputs, TracedOutputs<Result>>>;
  const nested = outer.note(
    invalidTrace('trace(): expected no trace inside a traced function, received a nested one'),
  );
  const refusal = Promise.reject(nested);
  // The outer trace reports it too, and the traced function has no way to wait for this promise.
  refusal.catch(() => {});
  return refusal;
}

async function record(fn: (inputs: never) => TraceResult, inputs: TensorSpecs): Promise<Graph> {
  if (typeof fn !== 'function') {
    throw invalidTrace(`trace(): expected a function, received ${quote(fn)}`, {
      expected: 'function',
      received: fn,
    });
  }
  // Loaded here because it brings the cpu kernels along, which programs that do not trace need not wait for.
  const { recordGraph } = await import('./trace/record.js');
  return recordGraph(fn as (inputs: Record<string, Tensor>) => TraceResult, inputs);
}
