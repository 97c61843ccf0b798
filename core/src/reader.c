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

sb_status sb__reader_connect(sb__reader *reader, const char *path, const sb__settings *settings)
{
    sb_status status;

    if (reader->runner.sqlite && sb__sqlite_db(reader->runner.sqlite)) {
        return SB_OK;
    }
    status = reader->runner.sqlite ? SB_OK : sb__sqlite_runner_new(&reader->runner, path);
    if (!status) {
        status = sb__sqlite_connect(reader->runner.sqlite, 0);
    }
    if (!status) {
        status = sb__sqlite_apply_settings(reader->runner.sqlite, settings);
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
