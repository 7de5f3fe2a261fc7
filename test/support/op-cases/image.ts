/** Cases of image ops. */
import { type CaseTable, f32, i32, type OpCase } from '../op-case.js';
import type { Random } from '../random.js';

function image(random: Random): number[] {
  return [random.integer(1, 2), random.integer(3, 6), random.integer(3, 6), random.integer(1, 3)];
}

const SAMPLINGS = [
  { alignCorners: false, halfPixelCenters: false },
  { alignCorners: true, halfPixelCenters: false },
  { alignCorners: false, halfPixelCenters: true },
];

function resizeCases(random: Random): OpCase[] {
  return SAMPLINGS.flatMap((sampling) =>
    ['ResizeBilinear', 'ResizeNearestNeighbor'].map((op) => ({
      op,
      inputs: { images: f32(image(random)) },
      attributes: { ...sampling, size: [random.integer(1, 8), random.integer(1, 8)] },
    })),
  );
}

function integerResizeCases(random: Random): OpCase[] {
  const inputs = { images: i32(image(random)) };
  const attributes = { alignCorners: false, halfPixelCenters: false, size: [2, 3] };
  const except = { wasm: 'gives float32, where cpu gives int32' };
  return [
    { op: 'ResizeBilinear', inputs, attributes },
    { op: 'ResizeNearestNeighbor', inputs, attributes, except },
  ];
}

/** The cpu kernels are wrong for oblong images (bilinear) and for batches (nearest). */
const CPU_GRADIENT_FAULTS: Readonly<Record<string, string | undefined>> = {
  'ResizeBilinearGrad 1,3,5': 'swaps width and height of the result',
  'ResizeBilinearGrad 2,3,5': 'swaps width and height of the result',
  'ResizeNearestNeighborGrad 2,4,4': 'mixes up the images of a batch',
  'ResizeNearestNeighborGrad 2,3,5': 'mixes up the images of a batch',
};

function resizeGradientCases(random: Random): OpCase[] {
  const size = [random.integer(2, 8), random.integer(2, 8)];
  return ['1,4,4', '1,3,5', '2,4,4', '2,3,5'].flatMap((shape) => {
    const images = f32([...shape.split(',').map(Number), 3]);
    const dy = f32([images.shape[0]!, ...size, 3]);
    return ['ResizeBilinearGrad', 'ResizeNearestNeighborGrad'].map((op) => {
      const cpu = CPU_GRADIENT_FAULTS[`${op} ${shape}`];
      const attributes = { alignCorners: random.next() < 0.5 };
      return { op, inputs: { images, dy }, attributes, ...(cpu !== undefined && { except: { cpu } }) };
    });
  });
}

function cropCases(random: Random): OpCase[] {
  return ['bilinear', 'nearest'].flatMap((method) =>
    [f32, i32].map((dtype) => {
      const shape = image(random);
      const boxes = random.integer(1, 4);
      const inputs = {
        image: dtype(shape),
        boxes: f32([boxes, 4], { min: -0.2, max: 1.2 }),
        boxInd: i32([boxes], { min: 0, max: shape[0]! - 1 }),
      };
      const cropSize = [random.integer(1, 5), random.integer(1, 5)];
      return { op: 'CropAndResize', inputs, attributes: { cropSize, method, extrapolationValue: 0.5 } };
    }),
  );
}

function turnCases(random: Random): OpCase[] {
  const rotation = { radians: 0.7, center: 0.5 };
  return [
    { op: 'FlipLeftRight', inputs: { image: f32(image(random)) }, attributes: {} },
    {
      op: 'RotateWithOffset',
      inputs: { image: f32(image(random)) },
      attributes: { ...rotation, fillValue: 1 },
    },
    {
      op: 'RotateWithOffset',
      inputs: { image: f32([1, 4, 5, 3]) },
      attributes: { ...rotation, center: [0.3, 0.6], fillValue: [1, 2, 3] },
    },
  ];
}

function transformCases(random: Random): OpCase[] {
  return ['nearest', 'bilinear'].flatMap((interpolation) =>
    ['constant', 'reflect', 'wrap', 'nearest'].map((fillMode) => {
      const batch = random.integer(1, 2);
      const shape = image(random).with(0, batch);
      const outputShape = random.next() < 0.5 ? { outputShape: [3, 4] } : {};
      const inputs = { image: f32(shape), transforms: f32([random.pick([1, batch]), 8], { min: 0, max: 1 }) };
      return {
        op: 'Transform',
        inputs,
        attributes: { interpolation, fillMode, fillValue: 0.5, ...outputShape },
        ...(batch > 1 && { except: { cpu: 'computes the first image of a batch only' } }),
      };
    }),
  );
}

export const imageCases: CaseTable = (random) => [
  ...resizeCases(random),
  ...integerResizeCases(random),
  ...resizeGradientCases(random),
  ...cropCases(random),
  ...turnCases(random),
  ...transformCases(random),
];
