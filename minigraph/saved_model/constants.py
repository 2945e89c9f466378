"""The names in SavedModel folders."""

from __future__ import annotations

from types import SimpleNamespace

__all__ = ["signature_constants", "tag_constants"]


FILE = "saved_model.pb"
TEXT_FILE = "saved_model.pbtxt"
VARIABLES = "variables/variables"  # the prefix of the checkpoint
INIT_KEYS = ("saved_model_main_op", "legacy_init_op")
tag_constants = SimpleNamespace(SERVING="serve", TRAINING="train", GPU="gpu", TPU="tpu", EVAL="eval")
signature_constants = SimpleNamespace(
    DEFAULT_SERVING_SIGNATURE_DEF_KEY="serving_default",
    PREDICT_METHOD_NAME="tensorflow/serving/predict", PREDICT_INPUTS="inputs", PREDICT_OUTPUTS="outputs",
    CLASSIFY_METHOD_NAME="tensorflow/serving/classify", CLASSIFY_INPUTS="inputs",
    CLASSIFY_OUTPUT_CLASSES="classes", CLASSIFY_OUTPUT_SCORES="scores",
    REGRESS_METHOD_NAME="tensorflow/serving/regress", REGRESS_INPUTS="inputs", REGRESS_OUTPUTS="outputs",
)  # fmt: skip
