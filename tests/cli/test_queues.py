"""broadcast, exists, stats, list, rename and aliases (contract: cli 5)."""

import pytest

from .transcript import ident


# broadcast

def test_broadcast__one_copy_each_with_its_own_id(run):
    run.seed("b:x", "a:x", "c:x!")
    run("broadcast", "hi").ok()
    assert sorted(run.db.rows()[3:]) == ["a:hi", "b:hi", "c:hi"]
    ids = run.db.ids()[3:]
    assert len(set(ids)) == 3 and run.db.meta()["last_ts"] == max(ids)


def test_broadcast__nothing_selected(run):
    run("broadcast", "hi").empty()
    run.db.path.unlink()
    run.seed("a:x")
    for flags in (["-p", "b*"], ["--queue", "b"], ["--queue", "b", "--queue", "c"]):
        run("broadcast", "hi", *flags).empty()
    assert run.db.rows() == ["a:x"] and run.db.meta()["last_ts"] == ident(0)


@pytest.mark.parametrize("glob, queues", [
    ("*", "Abc a ab abc x.y"), ("a*", "a ab abc"), ("a?", "ab"), ("[ax]*", "a ab abc x.y"),
    ("[!a]*", "Abc x.y"), ("abc", "abc"), ("?b?", "Abc abc"), ("*.y", "x.y"),
    ("", "Abc a ab abc x.y"),
    ("[a-b]bc", "abc"), ("a[", ""), ("A*", "Abc"), ("x[.]y", "x.y"), ("[]a]", "a"), ("[a", ""),
    ("*b*c*", "Abc abc"), ("[^a]*", "a ab abc"), ("[!]]", "a"),
])
def test_broadcast__globs(run, glob, queues):
    run.seed("abc:0", "ab:0", "a:0", "Abc:0", "x.y:0")
    result = run("broadcast", "hi", "-p", glob)
    result.ok() if queues else result.empty()
    assert " ".join(sorted(q.split(":")[0] for q in run.db.rows()[5:])) == queues


def test_broadcast__queues_are_literal_and_once(run):
    run.seed("a:0", "b:0", aliases=[("x", "b")])
    run("broadcast", "hi", "--queue", "a", "--queue", "gone", "--queue", "a").ok()
    assert run.db.rows() == ["a:0", "b:0", "a:hi"]
    run("broadcast", "hi", "--queue", "x").empty()


def test_broadcast__invalid_name_before_anything(run):
    run.seed("a:0")
    run("broadcast", "hi", "--queue", "a", "--queue", "b!d").fails(1, "Invalid queue name")
    run("broadcast", "hi", "--queue", "").fails(1, "Invalid queue name")
    assert run.db.rows() == ["a:0"]


# exists and stats

def test_exists(run):
    run.seed("q:m", "c:m!")
    for queue in ("q", "c"):
        run("exists", queue).ok()
        run("exists", queue, "--json").out(f'{{"queue": "{queue}", "exists": true}}\n')
    run("exists", "gone").empty()
    result = run("exists", "gone", "--json")
    assert (result.code, result.stdout) == (2, '{"queue": "gone", "exists": false}\n')


def test_stats(run):
    run.seed("q:1", "q:2", "m:1", "m:2!", "c:1!")
    run("stats", "q").out("q: 2\n")
    run("stats", "m").out("m: 1 (2 total, 1 claimed)\n")
    run("stats", "c").out("c: 0 (1 total, 1 claimed)\n")
    run("stats", "gone").out("gone: 0\n")
    run("stats", "m", "--json").out(
        '{"queue": "m", "pending": 1, "claimed": 1, "total": 2, "exists": true}\n')
    run("stats", "gone", "--json").out(
        '{"queue": "gone", "pending": 0, "claimed": 0, "total": 0, "exists": false}\n')


# list

def test_list__byte_order_and_claimed_only(run):
    run("list").ok()
    run.db.path.unlink()
    run.seed("b:1", "a:1", "B:1", "_x:1!", "a.b:1", "a-b:1", "10:1", "9:1")
    run("list").out("10\n9\nB\n_x\na\na-b\na.b\nb\n")


def test_list__json(run):
    run.seed("b:1", "a:1!")
    run("list", "--json").out('{"queue": "a"}\n{"queue": "b"}\n')
    run("list", "--json", "--stats").out(
        '{"queue": "a", "pending": 0, "claimed": 1, "total": 1, "exists": true}\n'
        '{"queue": "b", "pending": 1, "claimed": 0, "total": 1, "exists": true}\n')


def test_list__stats(run):
    run.seed("b:1", "a:1")
    run("list", "--stats").out("a: 1\nb: 1\n")
    run("read", "a").out("1\n")
    run("list", "--stats").out(
        "a: 0 (1 total, 1 claimed)\nb: 1\n\nTotal claimed messages: 1/2\n")
    run("list", "--stats", "--prefix", "b").out("b: 1\n\nTotal claimed messages: 1/2\n")
    run("list", "--stats", "-p", "zzz").out("\nTotal claimed messages: 1/2\n")


@pytest.mark.parametrize("flags, names", [
    (["--prefix", "a"], "a a.b ab"), (["--prefix", ""], "a a.b ab b x_y"), (["--prefix", "z"], ""),
    (["--prefix", "x_"], "x_y"), (["--prefix", "a."], "a.b"), (["-p", "a*"], "a a.b ab"),
    (["-p", "a?"], "ab"), (["--pattern", "*b"], "a.b ab b"), (["--pattern=[ab]"], "a b"),
    (["-p", ""], ""), (["-p", "a"], "a"), (["-p", "[!a]*"], "b x_y"), (["-p", "A*"], ""),
    (["-p", "x_*"], "x_y"), (["-p", "a[.]b"], "a.b"),
], ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_list__filters(run, flags, names):
    run.seed("b:1", "a:1", "ab:1", "a.b:1!", "x_y:1")
    run("list", *flags).out("".join(f"{name}\n" for name in names.split()))


@pytest.mark.parametrize("flags", [["--prefix", "a*"], ["--prefix", ".a"], ["--prefix", "-a"],
                                   ["--prefix", "a b"], ["--prefix=-a"], ["--prefix", "é"],
                                   ["-p", ".*"], ["-p", "a b*"], ["--pattern=-a*"], ["-p", "é?"],
                                   ["-p", "@a"], ["--prefix", "x" * 513], ["-p", "x" * 513 + "*"]],
                         ids=lambda v: " ".join(v)[:20])
def test_list__bad_filters(run, flags):
    run.seed("a:1")
    run("list", *flags).fails(1)


def test_list__bad_filter_text(run):
    run("list", "--prefix", "a b").fails(1, "Invalid queue prefix: ", "must contain only letters")
    run("list", "--prefix", "x" * 513).fails(
        1, "Invalid queue prefix: ", "exceeds 512 characters")
    run("list", "-p", "a b*").fails(1, "Invalid queue prefix: ", "must contain only letters")


# rename

def test_rename__all_rows_keep_ids_and_state(run):
    run.seed("a:1", "a:2!", "b:3")
    run("rename", "a", "new").ok()
    assert run.db.rows() == ["new:1", "new:2!", "b:3"]
    assert run.db.ids() == [ident(0), ident(1), ident(2)]


def test_rename__json(run):
    run.seed("a:1", "a:2!", aliases=[("x", "a"), ("y", "other")])
    run("rename", "@x", "b", "--json").out(
        '{"old_queue": "a", "new_queue": "b", "messages_renamed": 2, "aliases_retargeted": 1, '
        '"renamed": true}\n')
    run("alias", "list").out("x -> b\ny -> other\n")


def test_rename__without_retargeting(run):
    run.seed("a:1", aliases=[("x", "a")])
    run("rename", "a", "b", "--json", "--no-retarget-aliases").out(
        '{"old_queue": "a", "new_queue": "b", "messages_renamed": 1, "aliases_retargeted": 0, '
        '"renamed": true}\n')
    run("alias", "list").out("x -> a\n")


def test_rename__nothing_there(run):
    run.seed("c:1", aliases=[("x", "a")])
    run("rename", "a", "b").empty()
    result = run("rename", "a", "b", "--json")
    assert (result.code, result.stdout, result.stderr) == (
        2, '{"old_queue": "a", "new_queue": "b", "messages_renamed": 0, "aliases_retargeted": 0, '
           '"renamed": false}\n', "")
    run("alias", "list").out("x -> a\n")


@pytest.mark.parametrize("argv, fragment", [
    (("a", "b"), "Target queue already exists"), (("a", "c"), "Target queue already exists"),
    (("gone", "b"), "Target queue already exists"),
    (("a", "a"), "Source and target queues cannot be the same"),
    (("@x", "a"), "Source and target queues cannot be the same"),
    (("gone", "gone"), "Source and target queues cannot be the same"),
    (("@nope", "z"), "Alias 'nope' is not defined"),
], ids=lambda v: " ".join(v) if isinstance(v, tuple) else "")
def test_rename__refused(run, argv, fragment):
    run.seed("a:1", "b:2", "c:3!", aliases=[("x", "a")])
    run("rename", *argv).fails(1, fragment)
    run("rename", *argv, "--json").json_fails("ERROR", fragment)
    assert run.db.rows() == ["a:1", "b:2", "c:3!"]


# alias

def test_alias__life(run):
    run("alias", "list").ok()
    run("alias", "add", "b", "q").ok()
    first = run.db.meta()["alias_version"]
    run("alias", "add", "a", "q").ok()
    run("alias", "add", "c", "r").ok()
    assert 0 < first < run.db.meta()["alias_version"]
    run("alias", "list").out("a -> q\nb -> q\nc -> r\n")
    run("alias", "list", "--target", "q").out("a -> q\nb -> q\n")
    run("alias", "list", "--target", "").out("a -> q\nb -> q\nc -> r\n")
    run("alias", "list", "--target", "gone").empty()
    run("alias", "list", "--target", "a").empty()
    run("alias", "remove", "a").ok()
    run("alias", "remove", "a").fails(1, "simplebroker: alias 'a' does not exist",
                                      start="simplebroker: ")
    run("alias", "list").out("b -> q\nc -> r\n")


@pytest.mark.parametrize("argv, fragment", [
    (("x", "other"), "Alias 'x' already exists"),
    (("new", "@q"), "Target names should not include the '@' prefix"),
    (("new", ""), "Alias target cannot be empty"),
    (("new", "x"), "Cannot target another alias"),
    (("q", "other"), "Cannot turn an existing alias target into an alias"),
    (("new", "new"), "Alias and target must differ"),
    (("@new", "q"), ""), (("", "q"), ""), (("b!d", "q"), "Invalid queue name"),
    (("new", "b!d"), "Invalid queue name"), (("n" * 513, "q"), ""), (("new", "t" * 513), ""),
], ids=lambda v: " ".join(v)[:20] if isinstance(v, tuple) else "")
def test_alias_add__refused(run, argv, fragment):
    run.seed(aliases=[("x", "q")])
    run("alias", "add", *argv).fails(1, fragment)
    run("alias", "list").out("x -> q\n")
    assert run.db.meta()["alias_version"] == 0


@pytest.mark.parametrize("message", ["taken:m", "taken:m!"])
def test_alias_add__warns_about_a_queue_of_that_name(run, message):
    warning = "Queue 'taken' already exists with messages"
    run.seed(message)
    run("alias", "add", "taken", "q").says(warning)
    run("alias", "remove", "taken").ok()
    run("-q", "alias", "add", "taken", "q").says(warning)
    run("alias", "remove", "taken").ok()
    run("alias", "add", "-q", "taken", "q").ok()
    run("alias", "remove", "taken").ok()
    run("alias", "add", "taken", "q", "--quiet").ok()


def test_alias__old_invalid_rows_stay_usable(run):
    run.seed("b:m", aliases=[("a", "b"), ("b", "c")])
    run("alias", "list").out("a -> b\nb -> c\n")
    run("read", "@a").out("m\n")
    run("alias", "remove", "b").ok()
