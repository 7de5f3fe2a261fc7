/** See `uninspectable.mjs`. */
export declare const UNINSPECTABLE: Readonly<Record<string, () => unknown>>;
