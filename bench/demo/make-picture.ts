/**
 * Makes the demo's picture: spheres on a checkered floor, ray-traced with shadows and mirror reflections from a seed.
 * Run `node dist/bench/demo/make-picture.js` to write `bench/demo/spheres.png` anew.
 */
import { writeFile } from 'node:fs/promises';
import { PNG } from 'pngjs';
import { seededUniform } from '../models/weights.js';
import { PICTURE } from './read-image.js';

type Vector = readonly [x: number, y: number, z: number];

interface Sphere {
  readonly centre: Vector;
  readonly radius: number;
  readonly colour: Vector;
  /** Share of light that is mirrored. */
  readonly mirror: number;
}

/** Where a ray meets something. */
interface Hit {
  readonly point: Vector;
  readonly normal: Vector;
  readonly colour: Vector;
  readonly mirror: number;
}

const SIZE = 256;
const SEED = 7;
const SPHERES = 9;
const CAMERA: Vector = [0, 1.6, -5];
const LIGHT = normalise([-0.6, 1, -0.7]);
const AMBIENT = 0.25;
const MAX_BOUNCES = 3;
/** Rays per pixel and direction, against jagged edges. */
const OVERSAMPLING = 2;
/** Keeps a ray from meeting the surface it starts on. */
const MARGIN = 1e-4;

function add(a: Vector, b: Vector): Vector {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

function scale(a: Vector, factor: number): Vector {
  return [a[0] * factor, a[1] * factor, a[2] * factor];
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function subtract(a: Vector, b: Vector): Vector {
  return add(a, scale(b, -1));
}

function normalise(a: Vector): Vector {
  return scale(a, 1 / Math.sqrt(dot(a, a)));
}

function mix(a: Vector, b: Vector, share: number): Vector {
  return add(scale(a, 1 - share), scale(b, share));
}

function makeSpheres(): Sphere[] {
  const next = seededUniform(SEED);
  const between = (least: number, most: number) => least + ((next() + 1) / 2) * (most - least);
  return Array.from({ length: SPHERES }, (_, index) => {
    const radius = between(0.35, 0.95);
    const column = (index % 3) - 1;
    const row = Math.floor(index / 3);
    return {
      centre: [column * 2 + between(-0.4, 0.4), radius, row * 2.2 + between(-0.4, 0.4)],
      radius,
      colour: [between(0.2, 1), between(0.2, 1), between(0.2, 1)],
      mirror: between(0.1, 0.5),
    };
  });
}

/** Distance along the ray to the sphere, `Infinity` when it misses. */
function distanceTo(sphere: Sphere, origin: Vector, direction: Vector): number {
  const offset = subtract(origin, sphere.centre);
  const half = dot(offset, direction);
  const discriminant = half * half - dot(offset, offset) + sphere.radius ** 2;
  if (discriminant < 0) return Number.POSITIVE_INFINITY;
  const distance = -half - Math.sqrt(discriminant);
  return distance > MARGIN ? distance : Number.POSITIVE_INFINITY;
}

function hitFloor(origin: Vector, direction: Vector): Hit | undefined {
  if (direction[1] > -MARGIN) return undefined;
  const point = add(origin, scale(direction, -origin[1] / direction[1]));
  const dark = (Math.floor(point[0]) + Math.floor(point[2])) % 2 === 0;
  return { point, normal: [0, 1, 0], colour: dark ? [0.12, 0.12, 0.15] : [0.9, 0.88, 0.84], mirror: 0.08 };
}

function findHit(spheres: readonly Sphere[], origin: Vector, direction: Vector): Hit | undefined {
  const distances = spheres.map((sphere) => distanceTo(sphere, origin, direction));
  const nearest = Math.min(...distances);
  if (!Number.isFinite(nearest)) return hitFloor(origin, direction);
  const sphere = spheres[distances.indexOf(nearest)]!;
  const point = add(origin, scale(direction, nearest));
  return { ...sphere, point, normal: normalise(subtract(point, sphere.centre)) };
}

function sky(direction: Vector): Vector {
  return mix([0.85, 0.9, 1], [0.25, 0.45, 0.85], Math.max(0, direction[1]));
}

function colourAlong(
  spheres: readonly Sphere[],
  origin: Vector,
  direction: Vector,
  bounces = MAX_BOUNCES,
): Vector {
  const hit = findHit(spheres, origin, direction);
  if (hit === undefined) return sky(direction);
  const { point, normal, mirror } = hit;
  const shadowed = spheres.some((sphere) => Number.isFinite(distanceTo(sphere, point, LIGHT)));
  const light = AMBIENT + (shadowed ? 0 : (1 - AMBIENT) * Math.max(0, dot(normal, LIGHT)));
  const own = scale(hit.colour, light);
  if (bounces === 0) return own;
  const reflected = subtract(direction, scale(normal, 2 * dot(direction, normal)));
  return mix(own, colourAlong(spheres, point, reflected, bounces - 1), mirror);
}

function colourOfPixel(spheres: readonly Sphere[], column: number, row: number): Vector {
  let sum: Vector = [0, 0, 0];
  for (let sample = 0; sample < OVERSAMPLING ** 2; sample++) {
    const x = column + ((sample % OVERSAMPLING) + 0.5) / OVERSAMPLING;
    const y = row + (Math.floor(sample / OVERSAMPLING) + 0.5) / OVERSAMPLING;
    const direction = normalise([(x / SIZE) * 2 - 1, 0.8 - (y / SIZE) * 2, 1.6]);
    sum = add(sum, colourAlong(spheres, CAMERA, direction));
  }
  return scale(sum, 1 / OVERSAMPLING ** 2);
}

function drawPicture(): PNG {
  const picture = new PNG({ width: SIZE, height: SIZE });
  const spheres = makeSpheres();
  for (let pixel = 0; pixel < SIZE * SIZE; pixel++) {
    const colour = colourOfPixel(spheres, pixel % SIZE, Math.floor(pixel / SIZE));
    const bytes = colour.map((channel) => Math.round(255 * Math.min(1, channel) ** (1 / 2.2)));
    picture.data.set([...bytes, 255], pixel * 4);
  }
  return picture;
}

const bytes = PNG.sync.write(drawPicture(), { colorType: 2 });
await writeFile(PICTURE, bytes);
console.log(`${PICTURE.pathname}: ${SIZE}×${SIZE} pixels, ${(bytes.length / 1024).toFixed(0)} KiB`);
