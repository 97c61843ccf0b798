"""Python environments to install into, and what runs in them."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

SOURCE = Path(os.environ["SB_SOURCE_DIR"])


def checked(*command, cwd):
    """Runs a command without any of our settings and gives what it printed."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BROKER_", "PYTHON"))
    }
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout


class Environment:
    """A fresh one, that finds cffi and the build backend where the tests have theirs."""

    def __init__(self, directory, empty):
        venv.create(directory, symlinks=True)
        self.directory = directory
        self.empty = empty
        self.bin = directory / "bin"
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        self.packages = directory / "lib" / version / "site-packages"
        lent = sysconfig.get_path("purelib")
        (self.packages / "lent.pth").write_text(f"{lent}\n", encoding="utf-8")

    def pip(self, *arguments):
        return checked(
            sys.executable, "-m", "pip", "--python", self.bin / "python", *arguments, cwd=self.empty
        )

    def install(self, *arguments):
        self.pip("install", "--quiet", "--no-index", "--no-build-isolation", *arguments)

    def run(self, program, *arguments):
        """One of its commands, in an empty directory."""
        return checked(self.bin / program, *arguments, cwd=self.empty)

    def files(self):
        return {
            path.relative_to(self.directory)
            for path in self.directory.rglob("*")
            if "__pycache__" not in path.parts
        }
