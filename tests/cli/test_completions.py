"""Shell completions: they parse, they offer commands, options and queues, and they create nothing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

COMPLETIONS = Path(__file__).resolve().parents[2] / "docs" / "completions"
BROKER = Path(os.environ["BROKER_BIN"]).absolute()

BASH = """
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_broker
printf '%s\\n' "${COMPREPLY[@]}"
"""

FISH = """
source $argv[1]
complete -C "$argv[2]" | string replace -r '\\t.*' ''
true
"""

def output(argv, directory, **environment):
    path = f"{BROKER.parent}:{os.environ['PATH']}"
    variables = {**os.environ, "HOME": str(directory), "PATH": path}
    variables.update(environment)
    done = subprocess.run(argv, cwd=directory, env=variables, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


class Typing:
    """What a shell offers after the words typed so far."""

    def __init__(self, shell, directory):
        self.shell, self.directory = shell, directory

    def __call__(self, line, **environment):
        script = COMPLETIONS / {"bash": "broker.bash", "fish": "broker.fish"}[self.shell]
        if self.shell == "bash":
            argv = ["bash", "-c", BASH, "bash", script, *line.split(" ")]
        else:
            argv = ["fish", "--no-config", "-c", FISH, script, line]
        return output(argv, self.directory, **environment)


def need(shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")


@pytest.fixture(params=["bash", "fish"])
def typing(request, tmp_path):
    need(request.param)
    return Typing(request.param, tmp_path)


def write(directory, *argv):
    subprocess.run([BROKER, *argv], cwd=directory, check=True)


@pytest.mark.parametrize("shell, script", [
    ("bash", "broker.bash"), ("zsh", "_broker"), ("fish", "broker.fish")])
def test_completion__script_parses(shell, script):
    need(shell)
    subprocess.run([shell, "-n", COMPLETIONS / script], check=True)


def test_completion__offers_commands(typing):
    assert "write" in typing("broker ")
    assert typing("broker re") in (["read", "rename"], ["rename", "read"])
    assert typing("broker -q ba") == ["backup"]


def test_completion__offers_options_of_the_command(typing):
    assert typing("broker peek --inc") == ["--include-claimed"]
    assert typing("broker read --inc") == []
    assert typing("broker --vac") == ["--vacuum"]


def test_completion__offers_queues_where_one_is_expected(typing, tmp_path):
    write(tmp_path, "write", "jobs", "m")
    write(tmp_path, "write", "mail", "m")
    assert typing("broker read ") == ["jobs", "mail"]
    assert typing("broker peek --all --after 5 m") == ["mail"]
    assert typing("broker move jobs ") == ["jobs", "mail"]
    assert typing("broker move jobs mail ") == []
    assert typing("broker broadcast --queue j") == ["jobs"]
    assert typing("broker write jobs m") == []


def test_completion__queues_come_from_the_selected_database(typing, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    write(other, "-f", "there.db", "write", "elsewhere", "m")
    write(tmp_path, "write", "here", "m")
    assert typing("broker -f other/there.db read ") == ["elsewhere"]
    assert typing(f"broker -d {other} -f there.db read ") == ["elsewhere"]
    assert typing(f"broker --file={other}/there.db read ") == ["elsewhere"]
    assert typing("broker read ", BROKER_DEFAULT_DB_NAME="other/there.db") == ["elsewhere"]
    assert typing("broker read ") == ["here"]


def test_completion__offers_aliases_for_removal(typing, tmp_path):
    write(tmp_path, "alias", "add", "short", "long")
    assert typing("broker alias ") in (["add", "remove", "list"], ["add", "list", "remove"])
    assert typing("broker alias remove ") == ["short"]


def test_completion__creates_no_database(typing, tmp_path):
    before = sorted(tmp_path.iterdir())
    for line in ("broker read ", "broker -f x.db read ", "broker alias remove "):
        assert typing(line) == []
    left = {path.name for path in tmp_path.iterdir()} - {path.name for path in before}
    assert not {name for name in left if name.endswith(".db") or "broker" in name}


def test_completion__zsh_offers_commands_options_and_queues(tmp_path):
    need("zsh")
    write(tmp_path, "write", "jobs", "m")
    write(tmp_path, "write", "mail", "m")

    def offered(line):
        script = Path(__file__).with_name("zsh_complete.zsh")
        return output(["zsh", "-f", script, COMPLETIONS, line], tmp_path)

    assert {"write", "backup"} <= set(offered("broker "))
    assert offered("broker read ") == ["jobs", "mail"]
    write(tmp_path, "-f", "second.db", "write", "other", "m")
    assert offered("broker -f second.db peek --all ") == ["other"]
    assert offered("broker -f absent.db read ") == []
    assert not (tmp_path / "absent.db").exists()
