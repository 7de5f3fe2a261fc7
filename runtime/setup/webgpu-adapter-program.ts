/**
 * A program: loads Dawn's addon named on the command line, squares four numbers on the adapter that it gives, and prints what
 * it found.
 */
import { createRequire } from 'node:module';
import type { AdapterAnswer } from './webgpu-adapter.js';

/** What is used here of WebGPU, whose types are a package of their own. */
interface Gpu {
  requestAdapter(): Promise<Adapter | null>;
}
interface Adapter {
  readonly info: Readonly<Record<'vendor' | 'architecture' | 'device' | 'description', string>> & {
    readonly isFallbackAdapter: boolean;
  };
  requestDevice(): Promise<Device>;
}
interface Device {
  readonly queue: {
    writeBuffer(buffer: Buffer, offset: number, data: Uint32Array): void;
    submit(commands: readonly unknown[]): void;
  };
  createBuffer(options: object): Buffer;
  createShaderModule(options: { readonly code: string }): unknown;
  createComputePipelineAsync(options: object): Promise<Pipeline>;
  createBindGroup(options: object): unknown;
  createCommandEncoder(): Encoder;
  destroy(): void;
}
interface Buffer {
  mapAsync(mode: number): Promise<void>;
  getMappedRange(): ArrayBuffer;
}
interface Pipeline {
  getBindGroupLayout(index: number): unknown;
}
interface Encoder {
  beginComputePass(): Pass;
  copyBufferToBuffer(
    source: Buffer,
    sourceOffset: number,
    target: Buffer,
    offset: number,
    bytes: number,
  ): void;
  finish(): unknown;
}
interface Pass {
  setPipeline(pipeline: Pipeline): void;
  setBindGroup(index: number, group: unknown): void;
  dispatchWorkgroups(count: number): void;
  end(): void;
}
interface Dawn {
  create(options: readonly string[]): Gpu;
  readonly globals: object;
}

/** Bits of `GPUBufferUsage` and `GPUMapMode`. */
const MAP_READ = 1;
const COPY_SOURCE = 4;
const COPY_TARGET = 8;
const STORAGE = 128;
const MODE_READ = 1;

const SHADER = `
  @group(0) @binding(0) var<storage, read_write> numbers: array<u32>;
  @compute @workgroup_size(4) fn square(@builtin(global_invocation_id) id: vec3u) {
    numbers[id.x] = numbers[id.x] * numbers[id.x];
  }
`;

async function square(device: Device, numbers: Uint32Array): Promise<number[]> {
  const { byteLength: size } = numbers;
  const module = device.createShaderModule({ code: SHADER });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const storage = device.createBuffer({ size, usage: STORAGE | COPY_SOURCE | COPY_TARGET });
  const readable = device.createBuffer({ size, usage: MAP_READ | COPY_TARGET });
  const layout = pipeline.getBindGroupLayout(0);
  const group = device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer: storage } }] });
  device.queue.writeBuffer(storage, 0, numbers);
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(storage, 0, readable, 0, size);
  device.queue.submit([encoder.finish()]);
  await readable.mapAsync(MODE_READ);
  return [...new Uint32Array(readable.getMappedRange())];
}

function load(addon: string): Dawn | { readonly message: string } {
  try {
    return createRequire(import.meta.url)(addon) as Dawn;
  } catch (error) {
    return { message: (error as Error).message };
  }
}

async function answer(addon: string): Promise<AdapterAnswer> {
  const dawn = load(addon);
  if ('message' in dawn) return { kind: 'unloadable', message: dawn.message };
  Object.assign(globalThis, dawn.globals);
  const gpu = dawn.create(['backend=vulkan']);
  const adapter = await gpu.requestAdapter();
  if (adapter === null) return { kind: 'none' };
  const { vendor, architecture, device: name, description, isFallbackAdapter } = adapter.info;
  const facts = { vendor, architecture, device: name, description, isSoftware: isFallbackAdapter };
  const device = await adapter.requestDevice();
  const squares = await square(device, Uint32Array.of(1, 2, 3, 4));
  device.destroy();
  return { kind: 'adapter', adapter: facts, squares };
}

console.log(JSON.stringify(await answer(process.argv[2]!)));
