#!/bin/sh
# Runs the bench on this machine's GPU: ./run.sh [FOLDER] [--adapter NAME] [--parts A,B] [--smoke]
# Results go to FOLDER, by default to ./results. Needs a Vulkan driver, and nothing else that is not in this archive.
set -eu
here=$(CDPATH='' cd -- "${0%/*}" && pwd)
out=results
case "${1-}" in '' | --*) ;; *)
  out=$1
  shift
  ;;
esac
node="$here/bin/node"
# The machine's own C++ library serves drivers best; ours is for machines that have none, or an older one.
if ! "$node" "$here/dist/bench/gpu/pack/check.js" >/dev/null 2>&1; then
  export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  if ! "$node" "$here/dist/bench/gpu/pack/check.js"; then
    echo 'curfew: Node.js or Dawn cannot be started here; 64-bit x86 Linux with glibc 2.34 or newer is needed' >&2
    exit 1
  fi
fi
exec "$node" "$here/dist/bench/gpu/main.js" --out "$out" "$@"
