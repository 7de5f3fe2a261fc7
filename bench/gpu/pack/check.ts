/** Whether Dawn can be loaded; the archive's `run.sh` asks. Prints why not. */
import { createRequire } from 'node:module';
import { findWebGpu } from '../../../kernels/webgpu/installation.js';

const installation = findWebGpu();
if (installation === undefined) throw new Error('Dawn and the kernels are not there');
createRequire(import.meta.url)(installation.addon);
