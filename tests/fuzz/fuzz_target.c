/*
 * Serialized targets of any content: what is accepted is written the same way again.
 */
#include "fuzz.h"

#include <string.h>

#include "simplebroker.h"

const char *const fuzz_seeds[] = {
    "{\"backend_name\":\"sqlite\",\"target\":\"/x/.broker.db\",\"backend_options\":{},"
    "\"project_root\":null,\"config_path\":null,\"used_project_scope\":false,"
    "\"legacy_sqlite_path\":true}",
    "{\"backend_name\":\"postgres\",\"target\":\"postgresql://u:p%40@h:1/d?password=x\","
    "\"backend_options\":{\"schema\":\"s\",\"n\":1,\"f\":1.5e300,\"b\":true,\"z\":null},"
    "\"project_root\":\"/x\",\"config_path\":\"/x/.broker.toml\"}",
    "{\"backend_name\":\"\\ud83d\\ude00\",\"target\":\"host=h password='a b' user=u\"}",
    "[]", "{\"target\":1}", NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sb_target *target = NULL, *again = NULL;
    char *first = NULL, *second = NULL;
    size_t first_len, second_len;

    if (sb_target_deserialize(&target, (const char *)data, size) != SB_OK) {
        FUZZ_ASSERT(!target && *sb_error_message(NULL));
        return 0;
    }
    FUZZ_ASSERT(sb_target_display(target) && sb_target_address(target));
    FUZZ_ASSERT(sb_target_serialize(&first, &first_len, target) == SB_OK);
    FUZZ_ASSERT(sb_target_deserialize(&again, first, first_len) == SB_OK);
    FUZZ_ASSERT(sb_target_serialize(&second, &second_len, again) == SB_OK);
    FUZZ_ASSERT(first_len == second_len && !memcmp(first, second, first_len));
    sb_free(first);
    sb_free(second);
    sb_target_free(target);
    sb_target_free(again);
    return 0;
}
