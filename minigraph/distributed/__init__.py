"""Training on several processes, also on several machines, with Horovod's names: `import minigraph.distributed as hvd`.

`mpiexec -n 4 python program.py` starts four processes, the ranks 0 to 3. Each runs the whole program; collectives such
as `allreduce` exchange tensors between them. May import `train` and below; knows no network and no command.
"""

from minigraph.distributed.compression import *
from minigraph.distributed.exchange import *
from minigraph.distributed.optimizer import *
from minigraph.distributed.processes import *
from minigraph.distributed.variables import *
