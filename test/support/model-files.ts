/** Models as they lie on disk: `model.json` and, beside it, files with pieces of the weights. */
import { io } from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { smallGraphArtifacts } from './graph-model.js';

/** Files by path. */
export type ModelFiles = ReadonlyMap<string, string | Uint8Array>;

function filesOf(folder: string, { modelTopology, weightSpecs, weightData }: io.ModelArtifacts): ModelFiles {
  const bytes = new Uint8Array(weightData as ArrayBuffer);
  // In the middle of a tensor, as the converter cuts them by size.
  const cut = Math.floor(bytes.length / 2) - 1;
  const weightsManifest = [{ paths: ['part-1.bin', 'part-2.bin'], weights: weightSpecs }];
  return new Map<string, string | Uint8Array>([
    [`${folder}/model.json`, JSON.stringify({ modelTopology, weightsManifest })],
    [`${folder}/part-1.bin`, bytes.subarray(0, cut)],
    [`${folder}/part-2.bin`, bytes.subarray(cut)],
  ]);
}

/** A Keras model of float32[2,3]. */
export async function layersModelFiles(folder: string): Promise<ModelFiles> {
  const model = sequential({ layers: [layers.dense({ inputShape: [3], units: 2, name: 'dense' })] });
  let files: ModelFiles = new Map();
  const handler = io.withSaveHandler(async (artifacts) => {
    files = filesOf(folder, artifacts);
    return { modelArtifactsInfo: io.getModelArtifactsInfoForJSON(artifacts) };
  });
  await model.save(handler);
  model.dispose();
  return files;
}

/** A converted model of float32[2,3]. */
export function graphModelFiles(folder: string): ModelFiles {
  return filesOf(folder, smallGraphArtifacts());
}
