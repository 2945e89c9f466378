"""`slim.nets`: networks with the names of TF-slim's variables, so that its checkpoints fit.

Imports slim's layers, which stand beside it, and nothing of the models that minigraph brings.
"""

from types import ModuleType

from minigraph.tf1.nets import (
    inception,
    inception_resnet_v2,
    inception_v4,
    mobilenet_v1,
    resnet_utils,
    resnet_v1,
    resnet_v2,
    vgg,
)

NETS: dict[str, ModuleType] = {
    "inception": inception, "inception_v1": inception, "inception_v2": inception, "inception_v3": inception,
    "inception_v4": inception_v4, "inception_resnet_v2": inception_resnet_v2, "mobilenet_v1": mobilenet_v1,
    "resnet_utils": resnet_utils, "resnet_v1": resnet_v1, "resnet_v2": resnet_v2, "vgg": vgg,
}  # fmt: skip
