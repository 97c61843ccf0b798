/*
 * Bounds and message ids as texts: what parses is within range, and formats and parses again.
 */
#include "fuzz.h"

#include <string.h>

#include "simplebroker.h"

const char *const fuzz_seeds[] = {"1700000000000000000", " 1700000000000000000\n", "2024-01-15",
                                  "2024-01-15T14:30:00Z", "2024-01-15 14:30:00.123456+02:00",
                                  "20240115T143000", "1705329000", "1705329000000ms",
                                  "1705329000.5s", "1705329000000000000ns", "1e9", "1_000", "-1", NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t id = -1, exact = -1;

    if (sb_bound_parse(&id, (const char *)data, size) == SB_OK) {
        FUZZ_ASSERT(id >= 0);
    }
    if (sb_id_parse(&id, (const char *)data, size) == SB_OK) {
        char text[SB_ID_SIZE];
        int64_t again = -1;

        FUZZ_ASSERT(id >= 0);
        FUZZ_ASSERT(sb_id_format(text, sizeof text, id) == SB_OK);
        FUZZ_ASSERT(sb_id_parse(&again, text, strlen(text)) == SB_OK && again == id);
        FUZZ_ASSERT(sb_timestamp_parse_exact(&exact, (const char *)data, size) == SB_OK);
        FUZZ_ASSERT(exact == id);
    } else {
        FUZZ_ASSERT(sb_timestamp_parse_exact(&exact, (const char *)data, size) < 0);
    }
    return 0;
}
