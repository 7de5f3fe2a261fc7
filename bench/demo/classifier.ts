/** The demo's graph: a host node decodes an image from disk, MobileNetV2 classifies it. */
import { enableProdMode, setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { type Graph, GraphBuilder, trace } from '../../runtime/index.js';
import { buildMobileNetV2 } from '../models/mobilenet-v2.js';
import { readImage } from './read-image.js';

/** Height and width in pixels of what the network takes. */
export const SIZE = 224;
const IMAGE = { dtype: 'float32', shape: [1, SIZE, SIZE, 3] } as const;

/** MobileNetV2 (alpha 1, 224×224, seeded random weights) as a graph. */
async function traceNetwork(): Promise<Graph> {
  // Spares the reader TensorFlow.js's advice to install another backend.
  enableProdMode();
  await setBackend('cpu');
  const model = buildMobileNetV2();
  try {
    return await trace(({ image }) => ({ probabilities: model.predict(image) as typeof image }), {
      image: IMAGE,
    });
  } finally {
    model.dispose();
  }
}

/** The demo's two graphs. */
export interface Classifier {
  /** Without inputs: every run reads the file, decodes it and classifies it. */
  readonly graph: Graph;
  /** The network alone, with the input `image`. */
  readonly network: Graph;
}

/** Traces the network and puts a host node before it that reads `file`. */
export async function buildClassifier(file: URL): Promise<Classifier> {
  const network = await traceNetwork();
  const builder = new GraphBuilder();
  const { image } = builder.host('decode image', {
    outputs: { image: IMAGE },
    run: async (_, { signal }) => ({ image: await readImage(file, SIZE, signal) }),
  });
  const { probabilities } = builder.graph(network, { image }, { prefix: 'mobilenet' });
  builder.output('probabilities', probabilities!);
  return { graph: builder.build(), network };
}
