"""The wheel, the sdist, and installations of them."""

import re
import sys
import tarfile
import zipfile

from .environments import SOURCE, checked

MODULE = "import simplebroker._native as n, simplebroker as s; print(n.__file__, s.__file__)"


PROGRAM = SOURCE / "tests/packaging/programs/everyday.py"


def version():
    header = (SOURCE / "core/include/simplebroker.h").read_text(encoding="utf-8")
    return ".".join(re.findall(r"SB_VERSION_(?:MAJOR|MINOR|PATCH) = (\d+)", header))


def test_wheel__is_for_the_limited_api(wheel):
    name, number, python, abi, platform = wheel.stem.split("-")
    assert (name, number, python, abi) == ("simplebroker", version(), "cp311", "abi3")
    assert platform.startswith(("linux", "macosx"))


def test_wheel__holds_the_package_and_both_commands_only(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {
        f"simplebroker/{path.name}"
        for path in (SOURCE / "python/simplebroker").iterdir()
        if path.suffix in (".py", ".pyi", ".typed")
    }
    assert "simplebroker/py.typed" in sources
    data = f"simplebroker-{version()}"
    commands = {f"{data}.data/scripts/broker", f"{data}.data/scripts/simplebroker"}
    about = {name for name in names if name.startswith(f"{data}.dist-info/")}
    assert names == sources | {"simplebroker/_native.abi3.so"} | commands | about


def test_wheel__needs_cffi_and_a_new_python(wheel):
    about = zipfile.ZipFile(wheel).read(f"simplebroker-{version()}.dist-info/METADATA").decode()
    assert re.findall("^Requires-Python: (.*)", about, re.M) == [">=3.11"]
    assert re.findall("^Requires-Dist: ([a-z]+)", about, re.M) == ["cffi"]


def test_sdist__has_no_tests_and_nothing_that_was_built(sdist):
    top = {name.split("/")[1] for name in tarfile.open(sdist).getnames() if "/" in name}
    assert {"CMakeLists.txt", "LICENSE", "README.md", "core", "python"} <= top
    assert not top & {"build", "tests", ".ci", ".git"}


def test_installed_wheel__works_and_leaves_nothing_behind(wheel, environment):
    before = environment.files()
    environment.install(wheel)
    module, package = environment.run("python", "-c", MODULE).split()
    assert module.startswith(str(environment.packages))
    assert package.startswith(str(environment.packages))
    number = environment.run("broker", "--version")
    assert number.startswith("simplebroker ")
    assert environment.run("simplebroker", "--version") == number
    environment.run("broker", "write", "tasks", "from the command")
    read = "from simplebroker import Queue; print(Queue('tasks').read())"
    assert environment.run("python", "-c", read) == "from the command\n"
    assert environment.run("python", "-m", "simplebroker", "--version") == number
    assert "message 1" in environment.run("python", "-X", "dev", "-W", "error", PROGRAM)
    environment.pip("uninstall", "--quiet", "--yes", "simplebroker")
    assert environment.files() == before


def test_installed_wheel__has_types_for_strict_users(wheel, environment):
    environment.install(wheel)
    python = environment.bin / "python"
    check = ("-m", "mypy", "--strict", "--config-file=", "--python-executable", python, PROGRAM)
    assert "no issues" in checked(sys.executable, *check, cwd=environment.empty)


def test_editable_installation__uses_the_sources_and_leaves_nothing_behind(environment):
    before = environment.files()
    environment.install("--config-settings=cmake.build-type=Debug", "--editable", SOURCE)
    module, package = environment.run("python", "-c", MODULE).split()
    assert module.startswith(str(environment.packages))
    assert package.startswith(str(SOURCE))
    assert environment.run("broker", "--version").startswith("simplebroker ")
    environment.pip("uninstall", "--quiet", "--yes", "simplebroker")
    assert environment.files() == before
