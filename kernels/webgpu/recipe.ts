/** What a node asks of the GPU. It depends on shapes and attributes alone, so it is found out once and then repeated. */

/** The number of a buffer of one execution: first those of the inputs, then those that the node makes. */
export type Place = number;

/** What a shader is given at one of its bindings. */
export type RecipeBinding =
  | { readonly kind: 'place'; readonly place: Place }
  /** The same in each execution: shapes and the like. */
  | { readonly kind: 'fixed'; readonly resource: GPUBufferBinding };

/** One dispatch of a shader. */
export interface RecipeStep {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** The output's first. */
  readonly bindings: readonly RecipeBinding[];
  readonly workgroups: readonly [number, number, number];
}

/** All that a node asks of the GPU. */
export interface Recipe {
  readonly steps: readonly RecipeStep[];
  /** Bytes of each buffer that is made, in the order of places; 0 for one that is not needed. */
  readonly madeBytes: readonly number[];
  /** What is the same in each execution: uniforms, and tensors that the kernel has made on the thread. */
  readonly fixed: readonly GPUBuffer[];
  /** The place of each output; one without elements has none. */
  readonly outputs: readonly (Place | undefined)[];
}
