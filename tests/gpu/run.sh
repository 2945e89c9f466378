#!/usr/bin/env bash
# Everything that needs an NVIDIA GPU, for a machine without a network: versions, the kernels on the device against the
# references, the ladder of convolutions, precisions, eager against captured training, compute-sanitizer, host time per
# step, times against PyTorch where it is installed.
#   tests/gpu/run.sh [report.json]      PYTHON=python3 by default; minigraph and CuPy must be importable by it
set -uo pipefail
cd "$(dirname "$0")/../.."
exec "${PYTHON:-python3}" tests/gpu/report.py "${1:-gpu-report.json}"
