"""What several names of one file, odd moments and odd streams must not change."""


def companions(directory):
    return sorted(path.name for path in directory.iterdir() if not path.is_dir())


def test_link__companions_bear_the_name_of_the_real_file(run):
    run("-f", "real.db", "write", "q", "one").ok()
    (run.cwd / "real.db.lock").unlink()
    (run.cwd / "link.db").symlink_to("real.db")
    run("-f", "link.db", "read", "q").out("one\n")
    assert run("-f", "link.db", "--vacuum").code == 0
    assert companions(run.cwd) == ["link.db", "real.db", "real.db.lock", "real.db.vacuum.lock"]


def test_link__to_a_missing_file_creates_it_with_its_own_companions(run):
    (run.cwd / "place").mkdir()
    (run.cwd / "link.db").symlink_to("place/real.db")
    run("-f", "link.db", "write", "q", "one").ok()
    assert companions(run.cwd) == ["link.db"]
    assert companions(run.cwd / "place") == ["real.db", "real.db.lock"]
    assert run("-f", "link.db", "--cleanup").code == 0
    assert companions(run.cwd / "place") == []
