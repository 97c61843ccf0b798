/* Three ways to take messages elsewhere: dump and load as text, and a copy of the file. */
#include "example.h"

static void copy_as_text(sb_broker *from, sb_broker *to)
{
    sb_dump *dump = NULL;
    sb_load *load = NULL;
    const char *line;
    size_t len = 0;
    int64_t messages = 0;

    check(sb_dump_open(&dump, from, NULL, NULL, NULL));
    check(sb_load_open(&load, to, NULL, NULL));
    while (check(sb_dump_next(&line, &len, dump)) == SB_OK) {
        check(sb_load_line(load, line, len));
    }
    check(sb_load_finish(&messages, NULL, load));
    sb_load_close(load);
    sb_dump_close(dump);
    printf("loaded %d\n", (int)messages);
}

static int on_progress(void *payload, int64_t done, int64_t total)
{
    *(int *)payload = total > 0 ? (int)(100 * done / total) : 0;
    return 0;
}

int main(void)
{
    sb_broker *broker = NULL, *other = NULL;
    sb_options options;
    int percent = 0;

    check(sb_open_path(&broker, "here.db", SB_NTS, NULL, NULL));
    check(sb_open_path(&other, "there.db", SB_NTS, NULL, NULL));
    check(sb_write(NULL, broker, "q", SB_NTS, "one", SB_NTS, NULL));
    check(sb_write(NULL, broker, "q", SB_NTS, "two", SB_NTS, NULL));
    copy_as_text(broker, other);

    check(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.progress = on_progress;
    options.progress_payload = &percent;
    check(sb_backup(broker, "copy.db", SB_NTS, &options));
    printf("backup: %d%%\n", percent);
    printf("again: %s\n", sb_status_text(check(sb_backup(broker, "copy.db", SB_NTS, NULL))));
    sb_close(other);
    sb_close(broker);
    return 0;
}
