#!/usr/bin/env bash
# Everything that needs an NVIDIA GPU, for a machine without a network: versions, the kernels on the device against the
# references, the ladder of convolutions, precisions, eager against captured training, compute-sanitizer, host time per
# step, times against PyTorch where it is installed.
#   tests/gpu/run.sh [report.json] [--quick] [--only PART,PART] [--minutes N]
# PYTHON: the interpreter, python3 by default; it needs NumPy and CuPy. WHEELS: a folder of wheels that it lacks, such as
# nvidia-cudnn-frontend's; they are unpacked into build/gpu. minigraph need not be installed.
set -uo pipefail
cd "$(dirname "$0")/../.."
python="${PYTHON:-python3}"
"$python" tests/gpu/layout.py build/gpu ${WHEELS:+"$WHEELS"} || exit 2
PYTHONPATH="$PWD/build/gpu${PYTHONPATH:+:$PYTHONPATH}" exec "$python" tests/gpu/report.py "$@"
