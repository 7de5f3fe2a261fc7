/** The addon of tfjs-node: what it offers, and how it is loaded without a word from TensorFlow. */
import { constants } from 'node:os';
import type { TensorData } from '../../scheduler/tensor.js';
import { withQuietLibrary } from './quiet-library.js';

/** An attribute of a TensorFlow op, as the addon takes it. */
export interface OpAttribute {
  readonly name: string;
  /** One of the `TF_ATTR_` numbers. */
  readonly type: number;
  readonly value: unknown;
}

/** An output as the addon tells of it. */
export interface TensorMetadata {
  /** By this number the tensor is known to the addon until it is deleted. */
  readonly id: number;
  readonly shape: number[];
  /** One of TensorFlow's numbers of types, such as `TF_FLOAT`. */
  readonly dtype: number;
}

/** Numbers that the addon exports under these names. */
export const BINDING_CONSTANTS = [
  'TF_FLOAT',
  'TF_INT32',
  'TF_INT64',
  'TF_BOOL',
  'TF_COMPLEX64',
  'TF_STRING',
  'TF_RESOURCE',
  'TF_UINT8',
  'TF_ATTR_STRING',
  'TF_ATTR_INT',
  'TF_ATTR_FLOAT',
  'TF_ATTR_BOOL',
  'TF_ATTR_TYPE',
  'TF_ATTR_SHAPE',
] as const;

export type BindingConstants = Readonly<Record<(typeof BINDING_CONSTANTS)[number], number>>;

/**
 * What tfjs-node's kernels call TensorFlow through. The addon has one context per thread; tensors and saved models are
 * numbers in it.
 */
export interface Binding extends BindingConstants {
  /** Makes a tensor. What is no typed array is an array of the bytes of strings. */
  createTensor(shape: readonly number[], dtype: number, values: TensorData | readonly Uint8Array[]): number;
  deleteTensor(id: number): void;
  /** Copies a tensor's elements. On a GPU this waits for all work submitted before. */
  tensorDataSync(id: number): TensorData;
  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputIds: readonly number[],
    outputCount: number,
  ): TensorMetadata[];
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  /** Names are joined by commas. */
  runSavedModel(id: number, inputIds: readonly number[], inputs: string, outputs: string): TensorMetadata[];
  isUsingGpuDevice(): boolean;
}

/** Linux's `RTLD_NODELETE`, which Node's constants leave out. */
const KEEP_LOADED = 0x1000;

/** By file. A thread has one context of TensorFlow, however many backends. */
const loaded = new Map<string, Binding>();

/**
 * Loads the addon, and with it TensorFlow's library.
 *
 * Node unloads an addon when the last thread that has loaded it ends; TensorFlow's own threads, which go on, would then
 * execute code that is gone, and the process would crash at its end at the latest. So the addon stays.
 *
 * @throws what the loader says when one of them cannot be loaded
 */
export function loadAddon(file: string): Binding {
  const known = loaded.get(file);
  if (known !== undefined) return known;
  const module: { exports: unknown } = { exports: {} };
  withQuietLibrary(() => process.dlopen(module, file, constants.dlopen.RTLD_LAZY | KEEP_LOADED));
  const addon = module.exports as Binding;
  loaded.set(file, addon);
  return addon;
}
