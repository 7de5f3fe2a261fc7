/** Plain cases, in every seed, of ops whose random cases are all out of the ordinary in some: vectors, integers, aligned corners. */
import { bool, type CaseTable, f32 } from '../op-case.js';

export const plainCases: CaseTable = () => [
  ...['All', 'Any'].map((op) => ({
    op,
    inputs: { x: bool([2, 3]) },
    attributes: { axis: 1, keepDims: false },
  })),
  ...['ArgMax', 'ArgMin'].map((op) => ({ op, inputs: { x: f32([2, 3]) }, attributes: { axis: 1 } })),
  { op: 'Transpose', inputs: { x: f32([2, 3]) }, attributes: { perm: [1, 0] } },
  {
    op: 'ResizeBilinearGrad',
    inputs: { images: f32([1, 4, 4, 3]), dy: f32([1, 3, 5, 3]) },
    attributes: { alignCorners: false },
  },
  {
    op: 'Transform',
    inputs: { image: f32([1, 3, 4, 2]), transforms: f32([1, 8], { min: 0, max: 1 }) },
    attributes: { interpolation: 'bilinear', fillMode: 'constant', fillValue: 0.5 },
  },
];
