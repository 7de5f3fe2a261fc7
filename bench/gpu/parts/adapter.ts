/** The GPU, its driver, and the machine around it. */
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { openDevice } from '../../../kernels/webgpu/dawn.js';
import { DAWN, findWebGpu, KERNELS } from '../../../kernels/webgpu/installation.js';
import type { Part } from '../part.js';

/** What results are worth nothing without. */
export interface Machine {
  readonly adapter: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly hasTimestamps: boolean;
  readonly node: string;
  readonly dawn: string;
  readonly kernels: string;
  readonly cpu: string;
  readonly threads: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly load: number;
  readonly date: string;
}

async function describeMachine(adapter: string | undefined): Promise<Machine> {
  const installation = findWebGpu();
  if (installation === undefined) throw new Error('Dawn and the kernels are not installed');
  const { device, info, hasTimestamps } = await openDevice(installation.addon, { adapter });
  device.destroy();
  return {
    adapter: info.description,
    vendor: info.vendor,
    architecture: info.architecture,
    device: info.device,
    hasTimestamps,
    node: process.version,
    dawn: `npm ${DAWN.name} ${DAWN.version}`,
    kernels: `${KERNELS.name} ${KERNELS.version}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    threads: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()}`,
    load: loadavg()[0]!,
    date: new Date().toISOString(),
  };
}

export const adapter: Part = async (context) => {
  const machine = await describeMachine(context.adapter);
  const rows = Object.entries(machine).map(([what, value]) => [what, String(value)]);
  return { tables: [{ title: 'Machine', header: ['', ''], rows }], data: machine };
};
