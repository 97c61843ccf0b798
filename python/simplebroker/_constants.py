"""Constants and `load_config()` under the names that older programs import them by."""

from ._config import built_in_defaults, load_config
from ._native import lib

DEFAULT_DB_NAME: str = built_in_defaults().values["BROKER_DEFAULT_DB_NAME"]
MAX_MESSAGE_SIZE: int = built_in_defaults().values["BROKER_MAX_MESSAGE_SIZE"]
MAX_QUEUE_NAME_LENGTH: int = lib.SB_QUEUE_NAME_MAX
SCHEMA_VERSION: int = lib.SB_SCHEMA_VERSION
SIMPLEBROKER_MAGIC = "simplebroker-v1"
LOGICAL_COUNTER_BITS = 12
MAX_LOGICAL_COUNTER = 1 << LOGICAL_COUNTER_BITS

__all__ = [
    "DEFAULT_DB_NAME",
    "LOGICAL_COUNTER_BITS",
    "MAX_LOGICAL_COUNTER",
    "MAX_MESSAGE_SIZE",
    "MAX_QUEUE_NAME_LENGTH",
    "SCHEMA_VERSION",
    "SIMPLEBROKER_MAGIC",
    "load_config",
]
