/** Random calls of image ops and of products of matrices. */
import { f32, of, variadic } from '../support/op-case.js';
import type { Random } from '../support/random.js';
import {
  broadcasting,
  type Call,
  chance,
  type Draw,
  type Draws,
  flag,
  indices,
  length,
  numeric,
  ordinary,
  positive,
  shape,
} from './draw.js';

const image = (random: Random) => [length(random), length(random), length(random), length(random)];
const size = (random: Random) => [positive(random, 8), positive(random, 8)];

const sampling = (random: Random) =>
  random.pick([
    { alignCorners: false, halfPixelCenters: false },
    { alignCorners: true, halfPixelCenters: false },
    { alignCorners: false, halfPixelCenters: true },
  ]);

const resize: Draw = (random) => ({
  inputs: { images: of(numeric(random), image(random)) },
  attributes: { ...sampling(random), size: size(random) },
});

const resizeGradient: Draw = (random) => {
  const images = image(random);
  const dy = [images[0]!, ...size(random), images[3]!];
  return { inputs: { images: f32(images), dy: f32(dy) }, attributes: { alignCorners: flag(random) } };
};

const cropAndResize: Draw = (random) => {
  const places = image(random);
  const boxes = length(random);
  return {
    inputs: {
      image: of(numeric(random), places),
      boxes: f32(
        [boxes, 4],
        flag(random) ? { min: -0.2, max: 1.2 } : { values: [0, 0, 1, 1], min: 0, max: 1 },
      ),
      boxInd: indices(random, [boxes], places[0]!),
    },
    attributes: {
      cropSize: size(random),
      method: random.pick(['bilinear', 'nearest']),
      extrapolationValue: ordinary(random),
    },
  };
};

const flip: Draw = (random) => ({ inputs: { image: f32(image(random)) }, attributes: {} });

const rotate: Draw = (random) => {
  const places = image(random);
  return {
    inputs: { image: f32(places.with(3, random.pick([places[3]!, 3, 4]))) },
    attributes: {
      radians: ordinary(random),
      fillValue: random.pick([ordinary(random), [ordinary(random), ordinary(random), ordinary(random)]]),
      center: random.pick([0.5, [random.next(), random.next()], ordinary(random)]),
    },
  };
};

const transform: Draw = (random) => {
  const places = image(random);
  const range = flag(random) ? { min: 0, max: 1 } : {};
  return {
    inputs: { image: f32(places), transforms: f32([random.pick([1, places[0]!]), 8], range) },
    attributes: {
      interpolation: random.pick(['nearest', 'bilinear']),
      fillMode: random.pick(['constant', 'reflect', 'wrap', 'nearest']),
      fillValue: ordinary(random),
      ...(flag(random) && { outputShape: size(random) }),
    },
  };
};

function matrices(random: Random, batchRank: number): Call {
  const batch = shape(random, batchRank).map((lengthOfBatch) => Math.min(lengthOfBatch, 3));
  const [rows, inner, columns] = [length(random), length(random), length(random)];
  const [transposeA, transposeB] = [flag(random), flag(random)];
  const a = transposeA ? [inner, rows] : [rows, inner];
  const b = transposeB ? [columns, inner] : [inner, columns];
  const batchOf = () => (chance(random, 0.5) ? batch : broadcasting(random, batch));
  return {
    inputs: { a: f32([...batchOf(), ...a]), b: f32([...batchOf(), ...b]) },
    attributes: { transposeA, transposeB },
  };
}

const batchMatMul: Draw = (random) => {
  const { inputs, attributes } = matrices(random, random.integer(0, 4));
  const type = random.pick(['float32', 'float32', 'float32', 'int32'] as const);
  return { inputs: { a: { ...inputs['a']!, dtype: type }, b: { ...inputs['b']!, dtype: type } }, attributes };
};

const ACTIVATIONS = ['linear', 'relu', 'relu6', 'elu', 'prelu', 'leakyrelu', 'sigmoid'] as const;

const fusedMatMul: Draw = (random) => {
  const { inputs, attributes } = matrices(random, 1);
  const [a, b] = [inputs['a']!, inputs['b']!].map((input) =>
    input.shape.length === 2 ? { ...input, shape: [1, ...input.shape] } : input,
  );
  const columns = attributes['transposeB'] ? b!.shape.at(-2)! : b!.shape.at(-1)!;
  const rows = attributes['transposeA'] ? a!.shape.at(-1)! : a!.shape.at(-2)!;
  const out = [Math.max(a!.shape[0]!, b!.shape[0]!), rows, columns];
  const perColumn = () => f32(random.pick([[columns], [columns], broadcasting(random, out)]));
  const activation = random.pick(ACTIVATIONS);
  return {
    inputs: {
      a: a!,
      b: b!,
      ...(flag(random) && { bias: perColumn() }),
      ...((activation === 'prelu' || chance(random, 0.05)) && { preluActivationWeights: perColumn() }),
    },
    attributes: { ...attributes, activation, leakyreluAlpha: 0.3 },
  };
};

const EQUATIONS = [
  'ij,jk->ik',
  'bij,bjk->bik',
  'ij->ji',
  'ij->i',
  'i,i->',
  'i,j->ij',
  'ij,ij->',
  'abc->cab',
  'ii->i',
  'ab,bc,->ac',
];

/** Letters have one length each, unless a rank is odd. */
const einsum: Draw = (random) => {
  const equation = random.pick(EQUATIONS);
  const lengths = new Map([...'abcijk'].map((letter) => [letter, length(random)]));
  const terms = equation.split('->')[0]!.split(',');
  const shapes = terms.map((term) => {
    const places = [...term].map((letter) => lengths.get(letter)!);
    return chance(random, 0.1) ? [...places, length(random)] : places;
  });
  const type = numeric(random);
  return { inputs: variadic(shapes.map((places) => of(type, places))), attributes: { equation } };
};

export const IMAGES: Draws = {
  BatchMatMul: batchMatMul,
  CropAndResize: cropAndResize,
  Einsum: einsum,
  FlipLeftRight: flip,
  ResizeBilinear: resize,
  ResizeBilinearGrad: resizeGradient,
  ResizeNearestNeighbor: resize,
  ResizeNearestNeighborGrad: resizeGradient,
  RotateWithOffset: rotate,
  Transform: transform,
  _FusedMatMul: fusedMatMul,
};
