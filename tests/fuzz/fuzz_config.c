/*
 * Settings as texts: the first byte chooses the key, the rest is the value, which is taken or
 * refused with the setting unchanged.
 */
#include "fuzz.h"

#include <string.h>

#include "simplebroker.h"

const char *const fuzz_seeds[] = {"\x01" "5000", "\x02 1_000 ", "\x03" "0.1", "\x04" "FULL",
                                  "\x05true", "\x06on", "\x07-1", "\x08inf", "\x09" "1e3",
                                  "\x0a/tmp/x", "\x0b.broker.db", "\x0c\xd9\xa1\xd9\xa2", NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sb_config *config = NULL;
    const char *key;

    if (size == 0) {
        return 0;
    }
    key = sb_config_key(data[0] % sb_config_key_count());
    FUZZ_ASSERT(sb_config_isolated(&config) == SB_OK);
    if (sb_config_set_text(config, key, strlen(key), (const char *)data + 1, size - 1) != SB_OK) {
        FUZZ_ASSERT(sb_error_status(NULL) == SB_ECONFIG || sb_error_status(NULL) == SB_EINVALID);
        FUZZ_ASSERT(*sb_error_message(NULL));
    }
    sb_config_free(config);
    return 0;
}
