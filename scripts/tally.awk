# Counts single tests in a CTest log: prints "PASSED FAILED". A test program of cmocka or a pytest
# run counts as many as it says; one that says nothing, or died before it did, counts as one.

function close_section()
{
    if (name != "" && name !~ /^setup\./) {
        if (!ok && bad == 0)
            bad = 1
        if (ok && good + bad == 0)
            good = 1
        passed += good
        failed += bad
    }
    name = ""
    good = bad = ok = 0
}

/^[0-9]+\/[0-9]+ Testing: / { close_section(); name = $3; next }

# cmocka
/^\[  PASSED  \] [0-9]+ test\(s\)/ { good += $4 }
/^\[  FAILED  \] [0-9]+ test\(s\)/ { bad += $4 }

# pytest: "3 failed, 12 passed, 1 skipped in 1.20s"
/^=*[ ]?[0-9]+ (passed|failed|error|errors|skipped|deselected|xfailed)(, | in ).*s/ {
    count = split($0, parts, /[ ,=]+/)
    for (i = 2; i <= count; i++) {
        if (parts[i] == "passed")
            good += parts[i - 1]
        if (parts[i] == "failed" || parts[i] == "error" || parts[i] == "errors")
            bad += parts[i - 1]
    }
}

/^Test Passed\.$/ { ok = 1 }

END { close_section(); print passed + 0, failed + 0 }
