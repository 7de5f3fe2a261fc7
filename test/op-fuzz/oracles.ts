/** What ops mean whose plain kernels are wrong or missing, element by element and with nothing in common with the devices. */
import {
  allocateData,
  elementCount,
  type Shape,
  type Tensor,
  type TensorSpec,
} from '../../scheduler/tensor.js';
import { runOnCpu } from '../support/tfjs-kernels.js';
import type { FuzzCase } from './fuzz-case.js';
import { sliced } from './slice-oracle.js';
import { at, bag, tabulate } from './tabulate.js';

type Call = Pick<FuzzCase, 'op' | 'inputs' | 'attributes'>;

/** The one output of a call, whose indices are all in range. */
export type Oracle = (call: Call, output: TensorSpec) => Tensor;

/** The place in a tensor that broadcasts to a place. */
function broadcastPlace(shape: Shape, place: readonly number[]): number[] {
  return place.slice(place.length - shape.length).map((index, axis) => (shape[axis] === 1 ? 0 : index));
}

const logicalXor: Oracle = ({ inputs: { a, b } }, output) =>
  tabulate(output, (place) => {
    const [one, other] = [a!, b!].map((input) => at(input, broadcastPlace(input.shape, place)) !== 0);
    return Number(one !== other);
  });

const batchMatMul: Oracle = ({ inputs: { a, b }, attributes }, output) => {
  const element = (matrix: Tensor, batch: readonly number[], row: number, column: number) =>
    at(matrix, [...broadcastPlace(matrix.shape.slice(0, -2), batch), row, column]);
  const inner = a!.shape.at(attributes['transposeA'] === true ? -2 : -1)!;
  return tabulate(output, (place) => {
    const batch = place.slice(0, -2);
    const [row, column] = place.slice(-2) as [number, number];
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      const left =
        attributes['transposeA'] === true ? element(a!, batch, k, row) : element(a!, batch, row, k);
      const right =
        attributes['transposeB'] === true ? element(b!, batch, column, k) : element(b!, batch, k, column);
      sum += left * right;
    }
    return sum;
  });
};

const scatterNd: Oracle = ({ inputs }, output) => {
  const { indices, updates } = inputs as Record<'indices' | 'updates', Tensor>;
  const depth = indices.shape.length > 1 ? indices.shape.at(-1)! : 1;
  const rest = output.shape.slice(depth);
  const sums = bag();
  for (const [place, update] of updates.data.entries()) {
    const row = Math.floor(place / elementCount(rest));
    const index = indices.data.slice(row * depth, (row + 1) * depth);
    sums.add([...index], place % elementCount(rest), update);
  }
  return tabulate(output, (place) => {
    const inRow = rest.reduce((flat, length, axis) => flat * length + place[depth + axis]!, 0);
    const sum = sums.get(place.slice(0, depth), inRow);
    return output.dtype === 'bool' ? Number(sum !== 0) : sum;
  });
};

const depthToSpace: Oracle = ({ inputs, attributes }, output) => {
  const block = attributes['blockSize'] as number;
  const isFirst = attributes['dataFormat'] === 'NCHW';
  return tabulate(output, (place) => {
    const [image, y, x, channel] = (isFirst ? [0, 2, 3, 1] : [0, 1, 2, 3]).map((axis) => place[axis]!);
    const channels = output.shape[isFirst ? 1 : 3]!;
    const deep = ((y! % block) * block + (x! % block)) * channels + channel!;
    const [row, column] = [Math.floor(y! / block), Math.floor(x! / block)];
    return at(inputs['x']!, isFirst ? [image!, deep, row, column] : [image!, row, column, deep]);
  });
};

const denseBincount: Oracle = ({ inputs, attributes }, output) => {
  const { x, weights } = inputs as Record<'x' | 'weights', Tensor>;
  const columns = x.shape.at(-1)!;
  return tabulate(output, (place) => {
    const first = place.length === 1 ? 0 : place[0]! * columns;
    const found: number[] = [];
    for (let index = first; index < first + columns; index++)
      if (x.data[index] === place.at(-1)) found.push(weights.data.length > 0 ? weights.data[index]! : 1);
    if (attributes['binaryOutput'] === true) return found.length > 0 ? 1 : 0;
    return found.reduce((sum, weight) => sum + weight, 0);
  });
};

/** Which share of a pixel of the large side each pixel of the image gave. */
type Share = (position: number, pixel: number, pixels: number) => number;

const linearShare: Share = (position, pixel, pixels) => {
  const low = Math.floor(position);
  const high = Math.min(Math.ceil(position), pixels - 1);
  const part = position - low;
  return (low === pixel ? 1 - part : 0) + (high === pixel ? part : 0);
};

/** Sums each pixel's shares of `dy` up. */
function resizeGradient(shareOf: (isAligned: boolean) => Share): Oracle {
  return ({ inputs: { dy, images }, attributes }, output) => {
    const isAligned = attributes['alignCorners'] === true;
    const share = shareOf(isAligned);
    const scales = [1, 2].map((axis) => {
      const edge = isAligned && dy!.shape[axis]! > 1 ? 1 : 0;
      return (images!.shape[axis]! - edge) / (dy!.shape[axis]! - edge);
    });
    const shares = (axis: number, pixel: number) =>
      Array.from({ length: dy!.shape[axis]! }, (_, index) =>
        share(index * scales[axis - 1]!, pixel, images!.shape[axis]!),
      );
    return tabulate(output, ([image, y, x, channel]) => {
      let sum = 0;
      const columns = shares(2, x!);
      for (const [row, ofRow] of shares(1, y!).entries())
        for (const [column, ofColumn] of columns.entries())
          if (ofRow * ofColumn !== 0) sum += ofRow * ofColumn * at(dy!, [image!, row, column, channel!]);
      return sum;
    });
  };
}

const nearestShare =
  (isAligned: boolean): Share =>
  (position, pixel, pixels) =>
    Number(Math.min(pixels - 1, isAligned ? Math.round(position) : Math.floor(position)) === pixel);

function row(tensor: Tensor, index: number): Tensor {
  const size = elementCount(tensor.shape.slice(1));
  return {
    ...tensor,
    shape: [1, ...tensor.shape.slice(1)],
    data: tensor.data.slice(index * size, (index + 1) * size),
  };
}

/** The plain kernel is right for a single image. */
const transform: Oracle = ({ op, inputs, attributes }, output) => {
  const { image, transforms } = inputs as Record<'image' | 'transforms', Tensor>;
  const data = allocateData(output.dtype, elementCount(output.shape));
  const size = elementCount(output.shape.slice(1));
  for (let index = 0; index < image.shape[0]!; index++) {
    const own = transforms.shape[0] === 1 ? transforms : row(transforms, index);
    const [single] = runOnCpu({ op, attributes }, { image: row(image, index), transforms: own })!;
    data.set(single!.data, index * size);
  }
  return { ...output, data };
};

/** The plain kernel is right where dilations are given. */
const withDilations: Oracle = ({ op, inputs, attributes }) =>
  runOnCpu({ op, attributes: { ...attributes, dilations: attributes['dilations'] ?? 1 } }, inputs)![0]!;

export const ORACLES: Readonly<Record<string, Oracle>> = {
  BatchMatMul: batchMatMul,
  DenseBincount: denseBincount,
  DepthToSpace: depthToSpace,
  DepthwiseConv2dNativeBackpropFilter: withDilations,
  DepthwiseConv2dNativeBackpropInput: withDilations,
  LogicalXor: logicalXor,
  ResizeBilinearGrad: resizeGradient(() => linearShare),
  ResizeNearestNeighborGrad: resizeGradient(nearestShare),
  ScatterNd: scatterNd,
  Slice: ({ inputs: { x }, attributes }, output) => {
    const begin = [attributes['begin'] as number | number[]].flat();
    return tabulate(output, (place) =>
      at(
        x!,
        place.map((index, axis) => index + (begin[axis] ?? 0)),
      ),
    );
  },
  StridedSlice: ({ inputs: { x }, attributes }, output) => sliced(x!, attributes, output),
  Transform: transform,
};
