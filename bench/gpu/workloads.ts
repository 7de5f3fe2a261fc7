/** What the price of precision is measured on: networks, and chains of products that take about a given time each. */
import { enableProdMode, setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type Feeds, type Graph, trace } from '../../runtime/index.js';
import { matmulChains, squareMatrix } from '../chains.js';
import { buildMobileNetV2 } from '../models/mobilenet-v2.js';
import { buildResNet50 } from '../models/resnet50.js';
import { buildTransformerEncoder } from '../models/transformer-encoder.js';
import { seededUniform, spread } from '../models/weights.js';
import { withBackend } from './backend.js';
import type { PartContext } from './part.js';
import { findProduct } from './profile/sizes.js';

/** A graph, and what to run it with. */
export interface Workload {
  readonly title: string;
  readonly graph: Graph;
  readonly feeds: Feeds;
}

type Build = (context: PartContext) => Promise<Workload>;

/** Height and width of images. */
const [SIZE, SMOKE_SIZE] = [224, 64];
const CHAIN_MS = 150;
const SMOKE_CHAIN_MS = 20;
const [LEAST_NODES, MOST_NODES] = [30, 4000];
const SMOKE_MOST_NODES = 200;

async function prepareTracing(): Promise<void> {
  enableProdMode();
  await setBackend('cpu');
}

async function imageNetwork(
  name: string,
  build: (size: number) => LayersModel,
  { smoke }: PartContext,
): Promise<Workload> {
  await prepareTracing();
  const size = smoke ? SMOKE_SIZE : SIZE;
  const model = build(size);
  try {
    const graph = await trace(({ image }) => ({ y: model.predict(image) as typeof image }), {
      image: { dtype: 'float32', shape: [1, size, size, 3] },
    });
    const image = spread(seededUniform(2), size * size * 3, 0, 1);
    return { title: `${name}, ${size}×${size}`, graph, feeds: { image } };
  } finally {
    model.dispose();
  }
}

async function transformer({ smoke }: PartContext): Promise<Workload> {
  await prepareTracing();
  const layers = smoke ? 2 : 8;
  const encoder = buildTransformerEncoder({ layers });
  try {
    const { shape } = encoder;
    const graph = await trace(({ tokens }) => ({ y: encoder.encode(tokens) as typeof tokens }), {
      tokens: { dtype: 'float32', shape },
    });
    const tokens = spread(seededUniform(2), shape[0] * shape[1], 0, 1);
    return { title: `Transformer encoder, ${layers} layers, 512 wide, 128 tokens`, graph, feeds: { tokens } };
  } finally {
    encoder.dispose();
  }
}

const chainOf =
  (targetMs: number): Build =>
  async ({ smoke, adapter }) => {
    const found = await withBackend((backend) => findProduct(backend, targetMs), { adapter });
    const { size, nodeMs } = found;
    const most = smoke ? SMOKE_MOST_NODES : MOST_NODES;
    const wanted = Math.round((smoke ? SMOKE_CHAIN_MS : CHAIN_MS) / nodeMs);
    const nodes = Math.min(most, Math.max(smoke ? 5 : LEAST_NODES, wanted));
    const title = `${nodes} products of ${size}×${size}, ${nodeMs.toPrecision(2)} ms each`;
    return { title, graph: matmulChains(size, nodes), feeds: { x: squareMatrix(size, 2).data } };
  };

/** By name, in the order of the results. */
export const WORKLOADS: Readonly<Record<string, Build>> = {
  mobilenet: (context) => imageNetwork('MobileNetV2', (size) => buildMobileNetV2({ size }), context),
  resnet: (context) => imageNetwork('ResNet-50', (size) => buildResNet50(1, size), context),
  transformer,
  'chain-10us': chainOf(0.01),
  'chain-100us': chainOf(0.1),
  'chain-1ms': chainOf(1),
  'chain-10ms': chainOf(10),
};
