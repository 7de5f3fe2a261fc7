/** From what a caller feeds to the values of a graph, and from values to what a caller gets. */
import { types } from 'node:util';
import { curfewError, quote } from '../scheduler/errors.js';
import type { Graph, ValueId } from '../scheduler/graph.js';
import { checkStays } from '../scheduler/main-values.js';
import { peek } from '../scheduler/quote.js';
import {
  allocateData,
  checkData,
  checkShape,
  copyData,
  formatSpec,
  refuseTfTensor,
  sameShape,
  type Tensor,
  type TensorData,
  type TensorSpec,
  type TensorSpecs,
} from '../scheduler/tensor.js';
import { isRecordLike } from './record-like.js';

/**
 * What a run is fed: for each input its bare data, in the container of its dtype, or a tensor, whose dtype and shape
 * are looked at when the run is called.
 */
export type Feeds<Inputs extends TensorSpecs = TensorSpecs> = [keyof Inputs] extends [never]
  ? Readonly<Record<string, never>>
  : { readonly [Name in keyof Inputs]: TensorData<Inputs[Name]['dtype']> | Tensor };

function invalidFeed(name: string, expected: string, received: unknown, shown = quote(received)) {
  return curfewError('INVALID_FEED', `feed ${quote(name)}: expected ${expected}, received ${shown}`, {
    expected,
    received,
  });
}

/** Refuses what only comes close to a feed, or to its data, with what to pass instead. */
function refuseAlmost(name: string, value: unknown, spec: TensorSpec): void {
  const isPromise = typeof peek(value, 'then') === 'function';
  if (!isPromise && !types.isAnyArrayBuffer(value)) return;
  const container = allocateData(spec.dtype, 0).constructor.name;
  const expected = `a tensor { dtype, shape, data } or a ${container} for ${formatSpec(spec)}`;
  const shown = isPromise ? 'a promise: await it' : `an ArrayBuffer: pass new ${container}(buffer)`;
  throw invalidFeed(name, expected, value, shown);
}

function noFeeds(names: readonly string[], received: unknown, shown = quote(received)) {
  const expected = `an object with the feeds ${names.map(quote).join(', ')}`;
  return curfewError('INVALID_FEED', `feeds: expected ${expected}, received ${shown}`, {
    expected,
    received,
  });
}

function checkFeed(name: string, feed: unknown, spec: TensorSpec): TensorData {
  const what = `feed ${quote(name)}`;
  if (ArrayBuffer.isView(feed)) return checkData(feed, spec, what, 'INVALID_FEED');
  if (typeof feed !== 'object' || feed === null || Array.isArray(feed)) {
    throw invalidFeed(name, `a tensor { dtype, shape, data } or a typed array for ${formatSpec(spec)}`, feed);
  }
  refuseTfTensor(feed, what, 'INVALID_FEED');
  refuseAlmost(name, feed, spec);
  const { dtype, shape, data } = feed as Partial<Record<keyof Tensor, unknown>>;
  if (dtype !== spec.dtype) throw invalidFeed(name, `dtype ${spec.dtype}`, dtype);
  const checked = checkShape(shape, what, 'INVALID_FEED');
  if (!sameShape(checked, spec.shape)) throw invalidFeed(name, `shape ${quote(spec.shape)}`, shape);
  refuseAlmost(name, data, spec);
  return checkData(data, spec, what, 'INVALID_FEED');
}

/**
 * Checks feeds against a graph's inputs. Nothing is copied.
 *
 * @throws INVALID_FEED for a missing or unknown feed, and for a wrong dtype, shape, length or container
 */
export function checkFeeds(graph: Graph, feeds: unknown): ReadonlyMap<ValueId, TensorData> {
  const names = [...graph.inputValues.keys()];
  if (!isRecordLike(feeds)) throw noFeeds(names, feeds);
  if (typeof peek(feeds, 'dataSync') === 'function')
    throw noFeeds(
      names,
      feeds,
      'a tf.Tensor; pass { dtype, shape, data: await tensor.data() } as one of them',
    );
  const unknown = Object.keys(feeds).find((name) => !graph.inputValues.has(name));
  if (unknown !== undefined) {
    const expected = names.length > 0 ? `only the feeds ${names.map(quote).join(', ')}` : 'no feeds';
    throw curfewError('INVALID_FEED', `feeds: expected ${expected}, received ${quote(unknown)}`, {
      expected: names,
      received: unknown,
    });
  }
  const values = new Map<ValueId, TensorData>();
  for (const [name, value] of graph.inputValues) {
    if (!Object.hasOwn(feeds, name)) {
      throw curfewError(
        'INVALID_FEED',
        `feed ${quote(name)}: expected ${formatSpec(graph.inputs[name]!)}, received nothing`,
        {
          expected: formatSpec(graph.inputs[name]!),
          received: undefined,
        },
      );
    }
    values.set(value, checkFeed(name, feeds[name], graph.inputs[name]!));
  }
  return values;
}

/**
 * The outputs that were computed, as tensors of the caller's own.
 *
 * @throws OUT_OF_MEMORY; INVALID_FEED for one that is a feed whose buffer was transferred away
 */
export function collectOutputs(
  graph: Graph,
  values: ReadonlyMap<ValueId, TensorData>,
): Record<string, Tensor> {
  const outputs: Record<string, Tensor> = Object.create(null);
  const handedOut = new Set<ValueId>();
  for (const [name, value] of graph.outputValues) {
    const data = values.get(value);
    if (data === undefined) continue;
    const { dtype, shape, producer } = graph.values[value]!;
    checkStays(graph, value, data);
    // What was copied out of a stream, or of what a host node returned, is the run's own; feeds and constants are not.
    const { kind } = graph.nodes[producer]!;
    const own = (kind === 'kernel' || kind === 'host') && !handedOut.has(value);
    handedOut.add(value);
    outputs[name] = { dtype, shape, data: own ? data : copyData(dtype, data, `output ${quote(name)}`) };
  }
  return outputs;
}
