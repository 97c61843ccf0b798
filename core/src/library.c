/*
 * What the library says about itself at run time.
 */
#include <sqlite3.h>

#include "simplebroker.h"
#include "vfs.h"


const char *sb_version(void)
{
    return SB__VERSION_TEXT;
}

int32_t sb_version_number(void)
{
    return SB_VERSION_MAJOR * 1000000 + SB_VERSION_MINOR * 1000 + SB_VERSION_PATCH;
}

const char *sb_contract_version(void)
{
    return "7.3.2";
}

int sb_feature(sb_feature_id feature)
{
    switch (feature) {
    case SB_FEATURE_SAFE_CHECKPOINTS:
    case SB_FEATURE_FORK_SAFE:
        return 1;
    case SB_FEATURE_WAKEUPS:
#if defined(__linux__)
        return 1;
#endif
    case SB_FEATURE_GROUP_COMMIT:
    default:
        return 0;
    }
}

const char *sb_sqlite_version(void)
{
    return sqlite3_libversion();
}

int sb_sqlite_has_wal_reset_bug(void)
{
    return sb__sqlite_has_wal_reset_bug(sqlite3_libversion_number());
}
