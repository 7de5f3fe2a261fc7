/** Whether indices of a call are outside their range, for ops that must refuse those. */
import type { Shape, Tensor } from '../../scheduler/tensor.js';
import type { FuzzCase } from './fuzz-case.js';

/** Indices, each of `depth` components, and how many places there are for each component. */
interface Indices {
  readonly indices: Tensor;
  readonly depth: number;
  readonly places: Shape;
}

type Call = Pick<FuzzCase, 'inputs' | 'attributes'>;

const single = (indices: Tensor, places: number): Indices => ({ indices, depth: 1, places: [places] });

function rows(indices: Tensor, places: Shape): Indices {
  const { shape } = indices;
  return { indices, depth: shape.length > 1 ? shape.at(-1)! : 1, places };
}

const INDICES: Readonly<Record<string, (call: Call) => Indices>> = {
  Bincount: ({ inputs }) => single(inputs['x']!, Number.POSITIVE_INFINITY),
  CropAndResize: ({ inputs }) => single(inputs['boxInd']!, inputs['image']!.shape[0]!),
  DenseBincount: ({ inputs }) => single(inputs['x']!, Number.POSITIVE_INFINITY),
  GatherNd: ({ inputs: { indices, params } }) => ({
    indices: indices!,
    depth: indices!.shape.at(-1)!,
    places: params!.shape,
  }),
  GatherV2: ({ inputs, attributes }) =>
    single(inputs['indices']!, inputs['x']!.shape.at(attributes['axis'] as number)!),
  ScatterNd: ({ inputs, attributes }) => rows(inputs['indices']!, attributes['shape'] as Shape),
  SparseReshape: ({ inputs }) => rows(inputs['inputIndices']!, [...inputs['inputShape']!.data]),
  SparseToDense: ({ inputs, attributes }) =>
    rows(inputs['sparseIndices']!, attributes['outputShape'] as Shape),
  TensorScatterUpdate: ({ inputs }) => rows(inputs['indices']!, inputs['tensor']!.shape),
};

/** Ops that must refuse indices out of range. */
export const REFUSING_OPS: readonly string[] = Object.keys(INDICES);

/** Whether an index of a call is outside its range; never for ops that take any. */
export function hasIndexOutside({ op, inputs, attributes }: FuzzCase): boolean {
  if (!Object.hasOwn(INDICES, op)) return false;
  const { indices, depth, places } = INDICES[op]!({ inputs, attributes });
  return indices.data.some((index, place) => index < 0 || index >= places[place % depth]!);
}
