"""Streams, exit codes, order of checks, argument grammar and help (contract: cli 1, 2, 14)."""

import os

import pytest

COMMANDS = ("write read peek list exists stats delete move rename broadcast dump load alias "
            "init").split()
REQUIRED = "the following arguments are required: "


def test_no_arguments__help_and_no_file(run):
    result = run()
    assert (result.code, result.stderr) == (0, "") and result.stdout.startswith("usage: ")
    assert os.listdir(run.cwd) == []


def test_version__is_payload(run):
    run("--version").out("simplebroker 7.3.2\n")


def test_version__beats_a_command(run):
    run("--version", "list").out("simplebroker 7.3.2\n")
    assert not run.db.exists()


def test_second_entry_point__same_program_name(run):
    (run.cwd / "simplebroker").symlink_to(run.command[0])
    twin = run.at(run.cwd)
    twin.command = [str(run.cwd / "simplebroker")]
    twin("--version").out("simplebroker 7.3.2\n")
    twin("nope").fails(1)


def test_quiet_without_command__help(run):
    assert run("-q").stdout.startswith("usage: ")


def test_quiet_without_command__resolution_comes_first(run):
    run("-q", env={"BROKER_PROJECT_SCOPE": "1"}).fails(1, "BROKER_PROJECT_SCOPE is enabled")


def test_quiet__never_hides_errors_or_payload(run):
    run("-q", "write", "-t", "q", "m").ids()
    run("-q", "read", "q").out("m\n")
    run("-q", "write", "b!d", "m").fails(1, "Invalid queue name")


USAGE_ERRORS = [
    (("nope",), "nope"),
    (("--nope",), "unrecognized arguments: --nope"),
    (("--", "list"), "--"),
    (("--fil", "x", "list"), ""),
    (("--vers",), ""),
    (("--stat",), ""),
    (("--quie", "list"), ""),
    (("--json", "list"), "unrecognized arguments: --json"),
    (("-f",), "error: option -f requires an argument"),
    (("-d",), "error: option -d requires an argument"),
    (("--file",), "error: option --file requires an argument"),
    (("--dir",), "error: option --dir requires an argument"),
    (("--file=", "list"), "error: option --file requires an argument"),
    (("--dir=", "list"), "error: option --dir requires an argument"),
    (("-f", "-x", "list"), "error: option -f requires an argument"),
    (("-d", "-q", "list"), "error: option -d requires an argument"),
    (("--file", "--status"), "error: option --file requires an argument"),
    (("-qf", "list", "-x"), "-x"),
    (("--quiet=1", "list"), ""),
    (("-qx", "list"), ""),
    (("list", "-f", "x"), "unrecognized arguments: -f x"),
    (("list", "-q"), "unrecognized arguments: -q"),
    (("list", "--version"), "unrecognized arguments: --version"),
    (("read", "q", "--cleanup"), "unrecognized arguments: --cleanup"),
    (("read",), REQUIRED + "queue"),
    (("peek",), REQUIRED + "queue"),
    (("write",), REQUIRED + "queue"),
    (("exists",), REQUIRED + "queue"),
    (("stats",), REQUIRED + "queue"),
    (("broadcast",), REQUIRED + "message"),
    (("move",), REQUIRED + "source_queue, dest_queue"),
    (("move", "a"), REQUIRED + "dest_queue"),
    (("rename",), REQUIRED + "old_queue, new_queue"),
    (("rename", "a"), REQUIRED + "new_queue"),
    (("alias", "add"), REQUIRED + "alias, target"),
    (("alias", "add", "a"), REQUIRED + "target"),
    (("alias", "remove"), REQUIRED + "alias"),
    (("alias",), ""),
    (("alias", "nope"), "nope"),
    (("read", "q", "x"), "unrecognized arguments: x"),
    (("read", "q", "x", "y"), "unrecognized arguments: x y"),
    (("peek", "q", "--nope"), "unrecognized arguments: --nope"),
    (("read", "q", "--include-claimed"), "unrecognized arguments: --include-claimed"),
    (("write", "q", "m", "x"), "unrecognized arguments: x"),
    (("list", "x"), "unrecognized arguments: x"),
    (("exists", "q", "x"), "unrecognized arguments: x"),
    (("stats", "q", "x"), "unrecognized arguments: x"),
    (("delete", "q", "x"), "unrecognized arguments: x"),
    (("delete", "q", "--json"), "unrecognized arguments: --json"),
    (("move", "a", "b", "x"), "unrecognized arguments: x"),
    (("rename", "a", "b", "x"), "unrecognized arguments: x"),
    (("broadcast", "a", "x"), "unrecognized arguments: x"),
    (("dump", "x"), "unrecognized arguments: x"),
    (("load", "x"), "unrecognized arguments: x"),
    (("load", "--json"), "unrecognized arguments: --json"),
    (("init", "x"), "unrecognized arguments: x"),
    (("init", "--force"), "unrecognized arguments: --force"),
    (("alias", "list", "--json"), "unrecognized arguments: --json"),
    (("alias", "list", "x"), "unrecognized arguments: x"),
    (("alias", "add", "a", "b", "c"), "unrecognized arguments: c"),
    (("alias", "remove", "a", "b"), "unrecognized arguments: b"),
    (("read", "q", "--after"), "argument --after: expected one argument"),
    (("read", "q", "--after", "-x"), "argument --after: expected one argument"),
    (("read", "q", "--after", "-5"), "Invalid timestamp: -5; "),
    (("read", "q", "--before"), "argument --before: expected one argument"),
    (("peek", "q", "-m"), "argument -m/--message: expected one argument"),
    (("move", "a", "b", "--after"), "argument --after: expected one argument"),
    (("list", "--prefix"), "argument --prefix: expected one argument"),
    (("list", "-p"), "argument -p/--pattern: expected one argument"),
    (("dump", "--include"), "argument --include: expected one argument"),
    (("dump", "--exclude"), "argument --exclude: expected one argument"),
    (("alias", "list", "--target"), "argument --target: expected one argument"),
    (("broadcast", "m", "-p"), "argument -p/--pattern: expected one argument"),
    (("broadcast", "m", "--queue"), "argument --queue: expected one argument"),
    (("move", "a", "b", "-m", "1", "--all"),
     "argument --all: not allowed with argument -m/--message"),
    (("move", "a", "b", "--all", "-m", "1"),
     "argument -m/--message: not allowed with argument --all"),
    (("list", "-p", "a", "--prefix", "b"),
     "argument --prefix: not allowed with argument -p/--pattern"),
    (("list", "--prefix", "b", "-p", "a"),
     "argument -p/--pattern: not allowed with argument --prefix"),
    (("broadcast", "m", "-p", "a", "--queue", "b"),
     "argument --queue: not allowed with argument -p/--pattern"),
    (("delete",), "one of the arguments queue --all is required"),
    (("delete", "q", "--all"), "not allowed with argument"),
    (("delete", "--all", "q"), "not allowed with argument"),
    (("delete", "--all", "-m", "1"), "--message requires a queue name"),
    (("read", "q", "-m", "1", "--all"),
     "--message cannot be used with --all, --after, or --before"),
    (("peek", "q", "-m", "1", "--after", "1"),
     "--message cannot be used with --all, --after, or --before"),
    (("peek", "q", "--before", "1", "-m", "1"),
     "--message cannot be used with --all, --after, or --before"),
    (("move", "a", "b", "-m", "1", "--after", "1"),
     "--message cannot be used with --after or --before"),
    (("move", "a", "b", "-m", "1", "--before", "1"),
     "--message cannot be used with --after or --before"),
    (("--cleanup", "list"), "--cleanup cannot be used with commands"),
    (("--vacuum", "list"), "--vacuum cannot be used with commands"),
    (("--status", "list"), "--status cannot be used with commands"),
    (("--compact",), "--compact can only be used with --vacuum"),
    (("--compact", "list"), "--compact can only be used with --vacuum"),
    (("--version", "--compact"), "--compact can only be used with --vacuum"),
    (("--version", "--cleanup", "list"), "--cleanup cannot be used with commands"),
    (("-d", ".", "init"), "init does not accept --dir"),
    (("-f", "x", "init"), "init does not accept --file"),
    (("--version", "-f", "x", "init"), "init does not accept --file"),
]


@pytest.mark.parametrize("argv, fragment", USAGE_ERRORS, ids=lambda v: " ".join(v)
                         if isinstance(v, tuple) else "")
def test_usage_error__one_line_and_no_file(run, argv, fragment):
    run(*argv).fails(1, fragment)
    assert os.listdir(run.cwd) == []


@pytest.mark.parametrize("argv", [("read", "q", "x", "--json"), ("peek", "--json"),
                                  ("move", "a", "b", "--json", "--all", "-m", "1")])
def test_parse_errors__stay_plain_with_json(run, argv):
    run(*argv).fails(1)


@pytest.mark.parametrize("argv", [
    ("-f", "x", "list"), ("-fx", "list"), ("-f=x", "list"), ("--file", "x", "list"),
    ("--file=x", "list"), ("-qf", "x", "list"), ("-qfx", "list"), ("-f", "y", "-f", "x", "list"),
    ("--file=y", "-fx", "list"), ("-f", "x", "-q", "list"),
], ids=" ".join)
def test_global_option_spellings(run, argv):
    run(*argv).ok()
    assert (run.cwd / "x").exists() and not (run.cwd / "y").exists()


def test_file_value_is_never_a_command(run):
    run("-f", "write", "write", "q", "m").ok()
    run("-f", "write", "read", "q").out("m\n")


def test_dir_option__chooses_the_directory(run, tmp_path):
    (tmp_path / "sub").mkdir()
    run("-d", str(tmp_path / "sub"), "write", "q", "m").ok()
    assert os.listdir(tmp_path) == ["sub"]
    run("--dir", "sub", "read", "q").out("m\n")


@pytest.mark.parametrize("argv", [("read", "--", "q"), ("read", "--all", "q"),
                                  ("read", "q", "--all"), ("read", "--all", "--", "q")])
def test_options_and_operands_interleave(run, argv):
    run.seed("q:m")
    run(*argv).out("m\n")


def test_interleaved_move(run):
    run.seed("a:m")
    run("move", "a", "--all", "b", "-t").ids()
    assert run.db.rows() == ["b:m"]


@pytest.mark.parametrize("argv", [("--json", "--status"), ("--status", "--json"),
                                  ("-q", "--json", "--status")])
def test_json_selects_the_form_of_status(run, argv):
    assert list(run(*argv).json()[0]) == ["total_messages", "last_timestamp", "db_size"]


def test_json_with_status_and_command__json_error(run):
    run("--status", "--json", "list").json_fails(
        "INVALID_ARGUMENT", "--status cannot be used with commands")


@pytest.mark.parametrize("argv, created", [
    (("--cleanup", "--vacuum", "--status"), False),
    (("--vacuum", "--status"), False),
    (("--status",), True),
])
def test_precedence_of_actions(run, argv, created):
    result = run(*argv)
    assert result.code == 0 and run.db.exists() == created
    assert ("total_messages" in result.stdout) == created


def test_bad_bound__reported_before_the_database_is_touched(run):
    run("read", "q", "--after", "zzz").fails(1, "Invalid timestamp: zzz")
    run("peek", "q", "--before", "").fails(1, "Invalid timestamp: empty string")
    assert os.listdir(run.cwd) == []


def test_path_validation__before_the_command(run):
    run("-d", "gone", "write", "b!d", "m").fails(1, "Directory not found: gone")


def test_message_is_checked_before_name_and_database(run):
    run("write", "b!d", "12345", env={"BROKER_MAX_MESSAGE_SIZE": "4"}).fails(
        1, "exceeds maximum size")
    assert os.listdir(run.cwd) == []


# Help

@pytest.mark.parametrize("argv", [("-h",), ("--help",), ("-q", "--help")] +
                         [(c, "--help") for c in COMMANDS] +
                         [("alias", c, "-h") for c in ("add", "remove", "list")], ids=" ".join)
def test_help__payload_without_side_effect(run, argv):
    result = run(*argv)
    assert (result.code, result.stderr) == (0, "") and result.stdout.startswith("usage: simplebr")
    assert os.listdir(run.cwd) == []


@pytest.mark.parametrize("argv, words", [
    ((), ["-d", "--dir", "-f", "--file", "-q", "--quiet", "--version", "--cleanup", "--vacuum",
          "--compact", "--status", "-h", "--help", "suppress non-error commentary",
          "destructively delete configured backend target state and exit", *COMMANDS]),
    (("write",), ["-t", "--timestamps", "--json"]),
    (("read",), ["--all", "--json", "-t", "--timestamps", "-m", "--message", "--after", "--before",
                 "fractional seconds unsupported", "integer ms", "integer ns",
                 "native hybrid ID"]),
    (("peek",), ["--all", "--json", "-t", "-m", "--after", "--before", "--include-claimed",
                 "fractional seconds unsupported", "integer ms", "integer ns",
                 "native hybrid ID"]),
    (("move",), ["--all", "--json", "-t", "-m", "--message", "--after", "--before",
                 "fractional seconds unsupported", "integer ms", "integer ns",
                 "native hybrid ID"]),
    (("delete",), ["--all", "-m", "--message"]),
    (("broadcast",), ["-p", "--pattern", "--queue QUEUE", "repeatable"]),
    (("exists",), ["--json"]),
    (("stats",), ["--json"]),
    (("list",), ["--stats", "--prefix", "-p", "--pattern", "--json"]),
    (("rename",), ["--json", "--no-retarget-aliases"]),
    (("alias",), ["add", "remove", "list"]),
    (("alias", "add"), ["-q", "canonical queue name"]),
    (("alias", "list"), ["--target"]),
    (("dump",), ["--include", "--exclude"]),
    (("load",), ["--force"]),
], ids=lambda v: " ".join(v) if isinstance(v, tuple) else "")
def test_help__names_every_option(run, argv, words):
    help_text = " ".join(run(*argv, "--help").stdout.split())
    assert [word for word in words if word not in help_text] == []


def test_help__init_has_no_force(run):
    assert "--force" not in run("init", "--help").stdout


def test_help__hides_the_old_synonym(run):
    for command in ("read", "peek", "move"):
        assert "--since" not in run(command, "--help").stdout


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.ours
def test_help__fits_eighty_columns(run, command):
    assert max(map(len, run(command, "--help").stdout.splitlines())) <= 80


@pytest.mark.ours
@pytest.mark.parametrize("command", ["read", "peek", "move"])
def test_since__is_after(run, command):
    run.seed("q:one", "q:two")
    argv = (command, "q", "d") if command == "move" else (command, "q")
    run(*argv, "--since", str(run.db.ids()[0])).out("two\n")
