/*
 * Project files of any content: a target or a reason, never more.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "simplebroker.h"

const char *const fuzz_seeds[] = {
    "version = 1\nbackend = \"sqlite\"\ntarget = \".broker.db\"\n",
    "version = 1\nbackend = \"postgres\"\ntarget = \"postgresql://u@h/db\"\n"
    "[backend_options]\nschema = \"s\"\nn = 0x1F\nf = 1.5e3\nb = true\n",
    "a.b.c = [1, 2, {x = 'y'}]\n[[t]]\nd = 1979-05-27T07:32:00Z\n[t.u]\n",
    "s = \"\"\"\nmany \\\n lines\"\"\"\nl = '''raw'''\nu = \"\\u00e4\\U0001F600\"\n",
    "version = 1 # comment\r\n\"quoted key\" = +inf\nx = nan\n", NULL};

static char path[] = "/tmp/simplebroker-fuzz-XXXXXX";
static sb_config *config;

static void remove_file(void)
{
    sb_config_free(config);
    unlink(path);
}

static void set_up(void)
{
    int fd;

    if (config) {
        return;
    }
    fd = mkstemp(path);
    FUZZ_ASSERT(fd >= 0 && sb_config_isolated(&config) == SB_OK);
    close(fd);
    atexit(remove_file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sb_target *target = NULL;
    sb_status status;
    FILE *file;

    set_up();
    file = fopen(path, "wb");
    FUZZ_ASSERT(file);
    fwrite(data, 1, size, file);
    fclose(file);
    status = sb_target_from_project_file(&target, path, strlen(path), config);
    FUZZ_ASSERT((status == SB_OK) == (target != NULL));
    FUZZ_ASSERT(status == SB_OK || *sb_error_message(NULL));
    if (target) {
        char *text = NULL;
        size_t len;

        FUZZ_ASSERT(sb_target_display(target));
        FUZZ_ASSERT(sb_target_serialize(&text, &len, target) == SB_OK && strlen(text) == len);
        sb_free(text);
    }
    sb_target_free(target);
    return 0;
}
