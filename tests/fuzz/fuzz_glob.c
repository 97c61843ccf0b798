/*
 * Shell-style patterns against names: a pattern and a name, with NUL between. Matching answers
 * quickly whatever the pattern, and every name matches itself where nothing in it is special.
 */
#include "fuzz.h"

#include <string.h>

#include "glob.h"

const char *const fuzz_seeds[] = {"*", "a*b?c", "[a-z]*", "[!a]", "[]]", "[", "a[", "***a***b***",
                                  "[^a-]", "\\*", "[z-a]", NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = memchr(data, 0, size);
    size_t pattern_len = nul ? (size_t)(nul - data) : size / 2;
    size_t name_at = nul ? pattern_len + 1 : pattern_len;
    const char *text = (const char *)data;

    sb__glob_match(text, pattern_len, text + name_at, size - name_at);
    if (size && !memchr(data, '*', size) && !memchr(data, '?', size) && !memchr(data, '[', size)) {
        FUZZ_ASSERT(sb__glob_match(text, size, text, size));
    }
    return 0;
}
