/** One trace, from the caller's backend to the recording one and back. */
import * as tf from '@tensorflow/tfjs-core';
import { checkName } from '../../scheduler/check/name.js';
import { curfewError, quote } from '../../scheduler/errors.js';
import type { Graph } from '../../scheduler/graph.js';
import { checkSpec, type TensorSpec } from '../../scheduler/tensor.js';
import { isRecordLike } from '../record-like.js';
import { activate, activeBackend, BACKEND_NAME, withBackend } from './engine.js';
import { explainThrown } from './hints.js';
import { TracedInputs } from './inputs.js';
import { registerKernels } from './kernels.js';
import { Lifetime } from './lifetime.js';
import { NodeNames } from './names.js';
import { namedOutputs } from './outputs.js';
import { Recorder } from './recorder.js';
import { RecordingBackend } from './recording-backend.js';
import type { TraceResult } from './signature.js';
import { invalidTrace, Violations, whileActive } from './violations.js';

type TracedFunction = (inputs: Record<string, tf.Tensor>) => TraceResult;

/** Calls `fn` on a recording backend and returns the graph of what it did. See `trace`. */
export function recordGraph(fn: TracedFunction, inputs: unknown): Graph {
  const specs = checkInputs(inputs);
  const engine = tf.engine();
  const violations = new Violations();
  const backend = new RecordingBackend(engine, violations);
  const target = activeBackend(engine);
  return withBackend(engine, backend, () => {
    const lifetime = new Lifetime(engine, backend);
    const recorder = new Recorder(backend, new NodeNames(engine.registeredVariables), lifetime.retain);
    const unregister = registerKernels(engine, backend, recorder);
    const unwatch = lifetime.watch();
    let done = false;
    try {
      const given = makeInputs(specs, backend, recorder);
      const outputs = whileActive(violations, () => call(fn, given, violations));
      const graph = recorder.graph(references(outputs, recorder));
      done = true;
      return graph;
    } finally {
      unwatch();
      // The function may have chosen another one.
      activate(engine, backend);
      lifetime.end(target, done);
      unregister();
    }
  });
}

function checkInputs(inputs: unknown): Map<string, TensorSpec> {
  if (!isRecordLike(inputs)) {
    throw curfewError(
      'INVALID_GRAPH',
      `trace(): expected specs of inputs by name, received ${quote(inputs)}`,
      {
        expected: 'specs by name',
        received: inputs,
      },
    );
  }
  const specs = Object.entries(inputs).map(
    ([name, spec]) =>
      [checkName(name, 'input'), checkSpec(spec, `input ${quote(name)}`, 'INVALID_GRAPH')] as const,
  );
  return new Map(specs);
}

function makeInputs(
  specs: ReadonlyMap<string, TensorSpec>,
  backend: RecordingBackend,
  recorder: Recorder,
): TracedInputs {
  const tensors: Record<string, tf.Tensor> = Object.create(null);
  for (const [name, spec] of specs) {
    tensors[name] = tf.engine().makeTensorFromTensorInfo(backend.makeAbstract(recorder.input(name, spec)));
  }
  return new TracedInputs(tensors);
}

/** A violation outranks what the function makes of it. */
function call(fn: TracedFunction, given: TracedInputs, violations: Violations) {
  let outputs: Map<string, tf.Tensor>;
  try {
    outputs = namedOutputs(fn(given.record));
  } catch (error) {
    throw violations.first ?? explainThrown(given.explain(error), fn.length);
  }
  if (violations.first !== undefined) throw violations.first;
  if (tf.getBackend() !== BACKEND_NAME) throw otherBackend(tf.getBackend());
  return outputs;
}

function otherBackend(name: string): Error {
  return invalidTrace(
    `trace(): expected a function that leaves the backend alone, received one that sets ${quote(name)}`,
    { expected: BACKEND_NAME, received: name },
  );
}

function references(outputs: ReadonlyMap<string, tf.Tensor>, recorder: Recorder): Record<string, string> {
  const entries = [...outputs].map(([name, tensor]) => [name, recorder.reference(tensor)] as const);
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}
