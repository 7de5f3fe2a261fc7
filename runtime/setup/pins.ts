/**
 * Exactly which files the set-up takes from package registries. Hashes are those that the registries publish for the files,
 * and were compared with the files themselves; the versions of the CUDA libraries are the newest ones that the wheel's
 * extra `and-cuda` allowed when they were pinned.
 */

/** A wheel as a Python package index has it. */
export interface Wheel {
  /** `name==version`, as pip takes it. */
  readonly requirement: string;
  readonly file: string;
  /** Of the file. */
  readonly bytes: number;
  readonly sha256: string;
  /** What of it is unpacked: files of these names, and all below the folders, which end in a slash. */
  readonly parts: readonly string[];
  /** The one folder that all of it lies in. */
  readonly root: string;
  /** Of what is unpacked. */
  readonly unpackedBytes: number;
}

/** A package as npm's registry has it. */
export interface PinnedPackage {
  /** `name@version`, as npm takes it. */
  readonly requirement: string;
  readonly file: string;
  /** As npm's lockfiles have it. */
  readonly integrity: string;
}

/** All that one set-up may fetch. */
export interface Pins {
  readonly tensorflowVersion: string;
  readonly package: PinnedPackage;
  readonly wheels: Readonly<Record<'cpu' | 'gpu', readonly Wheel[]>>;
}

/** The library, and the headers that the addon includes, also through others. */
const TENSORFLOW_PARTS = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/ctstring.h',
  'tensorflow/include/tensorflow/core/platform/ctstring_internal.h',
  'tensorflow/include/tsl/platform/ctstring.h',
  'tensorflow/include/tsl/platform/ctstring_internal.h',
  'tensorflow/include/xla/tsl/c/',
];

/** A wheel with libraries of CUDA, which lie where TensorFlow's library looks for them: beside it, in `nvidia/`. */
function cuda(
  name: string,
  version: string,
  tags: string,
  bytes: number,
  unpackedBytes: number,
  sha256: string,
): Wheel {
  const folder = `nvidia/${name}`;
  return {
    requirement: `nvidia-${name.replaceAll('_', '-')}-cu12==${version}`,
    file: `nvidia_${name}_cu12-${version}-py3-none-${tags}.whl`,
    bytes,
    sha256,
    root: folder,
    parts: [`${folder}/lib/`, `${folder}/bin/`, `${folder}/nvvm/`],
    unpackedBytes,
  };
}

const NEW_TAG = 'manylinux_2_27_x86_64';
const TAG_2014 = 'manylinux2014_x86_64.manylinux_2_17_x86_64';
const TAG_2010 = 'manylinux2010_x86_64.manylinux_2_12_x86_64';

/** For Linux on x86-64 with glibc. The wheels of one version of Python serve with any: nothing of Python's is taken from them. */
export const PINS: Pins = {
  tensorflowVersion: '2.21.0',
  package: {
    requirement: '@tensorflow/tfjs-node-gpu@4.22.0',
    file: 'tensorflow-tfjs-node-gpu-4.22.0.tgz',
    integrity:
      'sha512-p//NN6DGiN4hInUmIkRffaFVMcdTREUMjPyjW04J7OXvB2zBlQimj61eFKSgRrH3f5TnOfKzb0n56he/B6a4bw==',
  },
  wheels: {
    cpu: [
      {
        requirement: 'tensorflow-cpu==2.21.0',
        file: 'tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl',
        bytes: 273_829_956,
        sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
        root: 'tensorflow',
        parts: TENSORFLOW_PARTS,
        unpackedBytes: 854_000_000,
      },
    ],
    gpu: [
      {
        requirement: 'tensorflow==2.21.0',
        file: 'tensorflow-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl',
        bytes: 572_440_367,
        sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
        root: 'tensorflow',
        parts: TENSORFLOW_PARTS,
        unpackedBytes: 1_260_000_000,
      },
      cuda(
        'cublas',
        '12.9.3.13',
        NEW_TAG,
        581_217_458,
        855_064_416,
        'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
      ),
      cuda(
        'cuda_cupti',
        '12.9.79',
        'manylinux_2_25_x86_64',
        10_814_997,
        43_365_768,
        '096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f',
      ),
      cuda(
        'cuda_nvcc',
        '12.9.86',
        TAG_2010,
        40_546_229,
        98_010_465,
        '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
      ),
      cuda(
        'cuda_nvrtc',
        '12.9.86',
        TAG_2010,
        89_568_129,
        227_340_992,
        '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
      ),
      cuda(
        'cuda_runtime',
        '12.9.79',
        TAG_2014,
        3_493_179,
        5_342_176,
        '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
      ),
      cuda(
        'cudnn',
        '9.28.0.42',
        NEW_TAG,
        716_538_495,
        1_162_393_472,
        '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375',
      ),
      cuda(
        'cufft',
        '11.4.1.4',
        TAG_2014,
        200_877_592,
        293_609_416,
        'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
      ),
      cuda(
        'curand',
        '10.3.10.19',
        NEW_TAG,
        68_295_626,
        166_965_432,
        '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
      ),
      cuda(
        'cusolver',
        '11.7.5.82',
        NEW_TAG,
        338_117_415,
        494_975_064,
        '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
      ),
      cuda(
        'cusparse',
        '12.5.10.65',
        TAG_2014,
        366_465_088,
        486_556_368,
        '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
      ),
      cuda(
        'nccl',
        '2.32.3',
        NEW_TAG,
        351_526_311,
        489_653_380,
        'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c',
      ),
      cuda(
        'nvjitlink',
        '12.9.86',
        TAG_2010,
        39_748_338,
        95_935_344,
        'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
      ),
    ],
  },
};

/** What pip is told of the machine: tags that the files have, for the Python whose wheels are pinned. */
export const PIP_TARGET: readonly string[] = [
  ...['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311', '--abi', 'none'],
  ...[NEW_TAG, 'manylinux_2_25_x86_64', ...TAG_2014.split('.'), ...TAG_2010.split('.')].flatMap((tag) => [
    '--platform',
    tag,
  ]),
];
