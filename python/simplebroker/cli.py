"""The whole command line, in this process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ._command import run
from ._config import SNAPSHOT, Snapshot, config_handle, resolve_config
from ._exceptions import InvalidConfigError
from ._library import NULL

__all__ = ["main"]


def main(*, config: Mapping[str, Any] = SNAPSHOT) -> int:
    """Runs `sys.argv` as the `broker` command does, on the streams of `sys`.

    Args:
        config: settings; by default the environment as it is now.

    Returns:
        The exit code: 0 success, 1 error, 2 nothing matched.
    """
    ambient = isinstance(config, Snapshot)

    def watch(request: Any) -> None:
        from ._watch import watch

        watch(request, resolve_config() if ambient else config)

    try:
        native = NULL if ambient else config_handle(config).native
        return run(sys.argv[1:], config=native, raises=False, watch=watch)
    except InvalidConfigError as error:
        print(f"simplebroker: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("simplebroker: interrupted", file=sys.stderr)
        return 0


if __name__ == "__main__":
    sys.exit(main())
