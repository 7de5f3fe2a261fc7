/** What Curfew computes with shaders of its own, where TensorFlow.js's kernel does something else and the cpu kernel would cost copies. */
import type { ProgramNode } from '../../scheduler/kernel.js';
import { elementCount } from '../../scheduler/tensor.js';
import type { Gpu } from './gpu.js';
import type { Recipe } from './recipe.js';
import { gpuBytes } from './tensor.js';

const WORKGROUP_SIZE = 64;

/** Int32 and bools to float32. TensorFlow.js takes the elements for float32 as they are. */
const TO_FLOAT = `
  @group(0) @binding(0) var<storage, read_write> result: array<f32>;
  @group(0) @binding(1) var<storage, read> x: array<i32>;
  @compute @workgroup_size(${WORKGROUP_SIZE})
  fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
    let index = id.y * groups.x * ${WORKGROUP_SIZE}u + id.x;
    if (index < arrayLength(&result)) { result[index] = f32(x[index]); }
  }`;

export class OwnRecipes {
  readonly #gpu: Gpu;
  #toFloat: GPUComputePipeline | undefined;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** The recipe of a node of these, or `undefined` for any other. */
  find({ op, inputSpecs: [x], outputSpecs: [output] }: ProgramNode): Recipe | undefined {
    if (op !== 'Cast' || x!.dtype === 'float32' || output!.dtype !== 'float32') return undefined;
    this.#toFloat ??= this.#makePipeline(TO_FLOAT);
    const pipeline = this.#toFloat;
    return {
      steps: [
        {
          pipeline,
          layout: pipeline.getBindGroupLayout(0),
          bindings: [
            { kind: 'place', place: 1 },
            { kind: 'place', place: 0 },
          ],
          workgroups: this.#workgroupsFor(elementCount(output!.shape)),
        },
      ],
      madeBytes: [gpuBytes(output!)],
      fixed: [],
      outputs: [1],
    };
  }

  #makePipeline(code: string): GPUComputePipeline {
    const { device } = this.#gpu;
    const module = device.createShaderModule({ code });
    return device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  }

  #workgroupsFor(elements: number): [number, number, number] {
    const most = this.#gpu.device.limits.maxComputeWorkgroupsPerDimension;
    const groups = Math.ceil(elements / WORKGROUP_SIZE);
    const rows = Math.ceil(groups / most);
    return [Math.ceil(groups / rows), rows, 1];
  }
}
