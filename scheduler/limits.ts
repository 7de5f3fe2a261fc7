/** Bounds that protect against untrusted or mistaken input, each with its unit and reason. */

/** Dimensions of a tensor; TensorFlow.js kernels go to rank 6. */
export const MAX_RANK = 6;

/** Bytes of one tensor: the address space of a 32-bit WebAssembly heap. */
export const MAX_TENSOR_BYTES = 2 ** 32;

/** Elements of one tensor: indices travel as signed 32-bit integers in the kernels. */
export const MAX_TENSOR_ELEMENTS = 2 ** 31 - 1;

/** Nodes of one graph: ids are int32 and a plan keeps a few dozen bytes for each. */
export const MAX_NODES = 1_000_000;

/** Characters of a name, so that reports and timelines stay readable and bounded. */
export const MAX_NAME_LENGTH = 1024;

/** Streams of one engine: each is a thread with a heap of its own. */
export const MAX_STREAMS = 64;

/** Runs in flight on one stream. */
export const MAX_RUNS_IN_FLIGHT = 256;

/** Values that cross streams or the host in one plan; cutting segments takes a bit set of this size per node. */
export const MAX_CROSSINGS = 8192;

/** Longest timeout in milliseconds: what a 32-bit timer can hold (about 24.8 days). */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Records in one ring of a timeline: 48 bytes each, 48 MiB. */
export const MAX_TIMELINE_RECORDS = 2 ** 20;
