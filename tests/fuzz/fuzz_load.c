/*
 * Dumps of any content: loaded, or refused with the number of the line, and what was loaded can be
 * dumped and loaded again.
 */
#include "fuzz.h"

#include <sqlite3.h>
#include <string.h>

#include "simplebroker.h"

#define HEADER                                                                                     \
    "{\"format\":\"simplebroker-dump\",\"last_ts\":99,\"type\":\"header\",\"version\":1}\n"

const char *const fuzz_seeds[] = {
    HEADER "{\"type\":\"message\",\"queue\":\"q\",\"body\":\"\\u00e4\\ud83d\\ude00\",\"id\":5}\n",
    HEADER "{\"type\":\"message\",\"queue\":\"q\",\"body\":\"b\",\"id\":5,\"x\":[NaN,-Infinity]}",
    HEADER "{\"type\":\"alias\",\"alias\":\"a\",\"target\":\"q\"}\n\n\r\n",
    "{\"format\":\"simplebroker-dump\",\"last_ts\":1e5,\"type\":\"header\",\"version\":1}",
    HEADER "{\"type\":\"message\",\"queue\":\"q\",\"body\":\"b\",\"id\":\"0000000000000000005\"}",
    "{\"a\":1,\"a\":2}", "[[[[[[[[[[", "\xef\xbb\xbf{}", NULL};

static sb_status feed(sb_broker *broker, const char *text, size_t size)
{
    sb_load *load = NULL;
    sb_status status = SB_OK;
    int64_t line = 0;

    FUZZ_ASSERT(sb_load_open(&load, broker, NULL, NULL) == SB_OK);
    while (size && !status) {
        const char *end = memchr(text, '\n', size);
        size_t len = end ? (size_t)(end - text) + 1 : size;

        line++;
        status = sb_load_line(load, text, len);
        FUZZ_ASSERT(status != SB_EINVALID || sb_error_line(NULL) == line);
        FUZZ_ASSERT(status >= 0 || *sb_error_message(NULL));
        text += len;
        size -= len;
    }
    if (!status) {
        status = sb_load_finish(NULL, NULL, load);
    }
    sb_load_close(load);
    return status;
}

static void open_broker(sb_broker **out, sqlite3 **db, const sb_config *config)
{
    FUZZ_ASSERT(sqlite3_open(":memory:", db) == SQLITE_OK);
    FUZZ_ASSERT(sb_open_sqlite(out, *db, config, NULL) == SB_OK);
}

static void copy(sb_broker *to, sb_broker *from)
{
    sb_dump *dump = NULL;
    sb_load *load = NULL;
    const char *line;
    size_t len;

    FUZZ_ASSERT(sb_dump_open(&dump, from, NULL, NULL, NULL) == SB_OK);
    FUZZ_ASSERT(sb_load_open(&load, to, NULL, NULL) == SB_OK);
    while (sb_dump_next(&line, &len, dump) == SB_OK) {
        FUZZ_ASSERT(sb_load_line(load, line, len) == SB_OK);
    }
    FUZZ_ASSERT(sb_load_finish(NULL, NULL, load) == SB_OK);
    sb_load_close(load);
    sb_dump_close(dump);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sb_broker *first, *second;
    sb_config *config = NULL;
    sqlite3 *first_db, *second_db;

    FUZZ_ASSERT(sb_config_isolated(&config) == SB_OK);
    open_broker(&first, &first_db, config);
    if (feed(first, (const char *)data, size) == SB_OK) {
        int64_t total, copied;

        open_broker(&second, &second_db, config);
        copy(second, first);
        FUZZ_ASSERT(sb_overall_stats(NULL, &total, first, NULL) == SB_OK);
        FUZZ_ASSERT(sb_overall_stats(NULL, &copied, second, NULL) == SB_OK && copied == total);
        sb_close(second);
        sqlite3_close(second_db);
    }
    sb_close(first);
    sb_config_free(config);
    sqlite3_close(first_db);
    return 0;
}
