/** Reads a PNG file as a network takes it. */
import { readFile } from 'node:fs/promises';
import { PNG } from 'pngjs';

/** The demo's picture, in the sources: compiling copies no pictures. */
export const PICTURE = new URL('../../../bench/demo/spheres.png', import.meta.url);

const CHANNELS = 3;
/** Decoded PNGs have an alpha channel too. */
const DECODED_CHANNELS = 4;

function decode(file: Buffer): Promise<PNG> {
  return new Promise((resolve, reject) => {
    new PNG().parse(file, (error: Error | null, picture) => {
      if (error) reject(error);
      else resolve(picture);
    });
  });
}

/** Which two source pixels a pixel of the scaled picture lies between, and how near it is to the second. */
interface Between {
  readonly first: number;
  readonly second: number;
  readonly share: number;
}

/** One direction of the scaling: the `side` pixels in the middle of `length` become `size`. */
function scaleAxis(length: number, side: number, size: number): Between[] {
  return Array.from({ length: size }, (_, index) => {
    const position = (length - side) / 2 + ((index + 0.5) * side) / size - 0.5;
    const first = Math.max(0, Math.floor(position));
    return { first, second: Math.min(length - 1, first + 1), share: position - first };
  });
}

/** The largest square in the middle, scaled bilinearly to `size`, colours from -1 to 1. */
function toPixels({ width, height, data }: PNG, size: number): Float32Array {
  const side = Math.min(width, height);
  const columns = scaleAxis(width, side, size);
  const rows = scaleAxis(height, side, size);
  const pixels = new Float32Array(size * size * CHANNELS);
  let next = 0;
  for (const row of rows) {
    const upper = row.first * width * DECODED_CHANNELS;
    const lower = row.second * width * DECODED_CHANNELS;
    for (const column of columns) {
      for (let channel = 0; channel < CHANNELS; channel++) {
        const left = column.first * DECODED_CHANNELS + channel;
        const right = column.second * DECODED_CHANNELS + channel;
        const above = mix(data[upper + left]!, data[upper + right]!, column.share);
        const below = mix(data[lower + left]!, data[lower + right]!, column.share);
        pixels[next++] = mix(above, below, row.share) / 127.5 - 1;
      }
    }
  }
  return pixels;
}

function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}

/** float32 `[size, size, 3]`, row-major, colours from -1 to 1. Stops when `signal` aborts. */
export async function readImage(file: URL, size: number, signal: AbortSignal): Promise<Float32Array> {
  const bytes = await readFile(file, { signal });
  const picture = await decode(bytes);
  signal.throwIfAborted();
  return toPixels(picture, size);
}
