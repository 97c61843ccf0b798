"""The extension module, made from the public header: `lib` has its functions and constants."""

from typing import Any

ffi: Any
lib: Any
