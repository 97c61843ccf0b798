/*
 * The reading connection of a broker.
 */
#include "reader.h"

#include "runner_sqlite.h"

sb_status sb__reader_init(sb__reader *reader)
{
    return sb__turn_init(&reader->turn);
}

void sb__reader_close(sb__reader *reader)
{
    if (reader->runner.sqlite) {
        sb__runner_dispose(&reader->runner);
    }
}

void sb__reader_dispose(sb__reader *reader)
{
    sb__turn_dispose(&reader->turn);
}

static sb_status check_same_file(const sb__sqlite *mine, const sb__sqlite *main)
{
    uint64_t device, inode, main_device, main_inode;

    sb__sqlite_file_id(mine, &device, &inode);
    sb__sqlite_file_id(main, &main_device, &main_inode);
    return device == main_device && inode == main_inode
               ? SB_OK
               : sb__fail(SB_EOPERATIONAL, "the database was replaced while it was open: %s",
                          sb__sqlite_path(main));
}

sb_status sb__reader_connect(sb__reader *reader, const sb__sqlite *main,
                             const sb__settings *settings)
{
    sb_status status = SB_OK;

    if (reader->runner.sqlite && sb__sqlite_db(reader->runner.sqlite)) {
        return SB_OK;
    }
    if (!reader->runner.sqlite) {
        status = sb__sqlite_runner_new(&reader->runner, sb__sqlite_path(main));
    }
    if (!status) {
        status = sb__sqlite_connect(reader->runner.sqlite, 0);
    }
    if (!status) {
        status = check_same_file(reader->runner.sqlite, main);
        if (!status) {
            status = sb__sqlite_apply_settings(reader->runner.sqlite, settings);
        }
        if (status) {
            sb__sqlite_disconnect(reader->runner.sqlite);
        }
    }
    return status;
}

sb_status sb__reader_close_inherited(sb__reader *reader)
{
    return reader->runner.sqlite ? sb__sqlite_close_inherited(reader->runner.sqlite) : SB_OK;
}
