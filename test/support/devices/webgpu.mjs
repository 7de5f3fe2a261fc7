/**
 * The webgpu device with nodes that do something to the GPU, by their names: `lose` takes it away, `hang` gives it a shader that
 * never ends, `refuse tensors` and `refuse readings` have it refuse the next buffer for one.
 */
import { createRequire } from 'node:module';
import { createKernelBackend as create } from '../../../dist/kernels/webgpu/backend.js';
import { findWebGpu } from '../../../dist/kernels/webgpu/installation.js';

export { parks } from '../../../dist/kernels/webgpu/backend.js';

const ENDLESS = `
  @group(0) @binding(0) var<storage, read_write> words: array<u32>;
  @compute @workgroup_size(1) fn main() {
    loop {
      words[1] = words[1] + 1u;
      if (words[0] == 1u) { break; }
    }
  }
`;

const STORAGE = 128;

function submitEndless(device) {
  const module = device.createShaderModule({ code: ENDLESS });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
  const buffer = device.createBuffer({ size: 256, usage: STORAGE });
  const layout = pipeline.getBindGroupLayout(0);
  const group = device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer } }] });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(1);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

const MAP_READ = 1;
const FENCE_BYTES = 256;

/** Has the device refuse the next buffer with this usage that is no fence's. */
function refuseNext(device, usage) {
  const make = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    if (descriptor.size <= FENCE_BYTES || (descriptor.usage & usage) === 0) return make(descriptor);
    device.createBuffer = make;
    return make({ ...descriptor, usage: MAP_READ | STORAGE });
  };
}

const ACTS = {
  lose: (device) => device.destroy(),
  hang: submitEndless,
  'refuse tensors': (device) => refuseNext(device, STORAGE),
  'refuse readings': (device) => refuseNext(device, MAP_READ),
};

/** Has `onDevice` called with each device that is opened meanwhile. */
async function watchDevices(onDevice, open) {
  const { prototype } = createRequire(import.meta.url)(findWebGpu().addon).globals.GPUAdapter;
  const { requestDevice } = prototype;
  prototype.requestDevice = async function (...options) {
    const device = await requestDevice.apply(this, options);
    onDevice(device);
    return device;
  };
  try {
    return await open();
  } finally {
    prototype.requestDevice = requestDevice;
  }
}

export async function createKernelBackend(options) {
  let device;
  const backend = await watchDevices(
    (opened) => {
      device = opened;
    },
    () => create(options),
  );
  const { prepare } = backend;
  backend.prepare = (node) => {
    const preparation = prepare.call(backend, node);
    const act = ACTS[node.name];
    if (act === undefined) return preparation;
    const run = (values) => {
      preparation.run(values);
      act(device);
    };
    return { ...preparation, run };
  };
  return backend;
}
