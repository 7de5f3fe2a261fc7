/** `node:util` as tfjs-node 4.22.0 takes it: Node 23 removed the checks of types that its kernels call. */
import * as util from 'node:util';

const isNull = (value: unknown): value is null => value === null;
const isUndefined = (value: unknown): value is undefined => value === undefined;

/** The module with what was removed put back. Node's own stays as it is. */
export const legacyUtil: object = Object.freeze({
  ...util,
  isArray: Array.isArray,
  isBoolean: (value: unknown) => typeof value === 'boolean',
  isFunction: (value: unknown) => typeof value === 'function',
  isNull,
  isNullOrUndefined: (value: unknown) => isNull(value) || isUndefined(value),
  isNumber: (value: unknown) => typeof value === 'number',
  isObject: (value: unknown) => typeof value === 'object' && value !== null,
  isString: (value: unknown) => typeof value === 'string',
  isUndefined,
});
