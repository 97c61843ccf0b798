/* The registry of backends. */
#include "backend.h"

#include <string.h>

#include "error.h"

static const sb__backend *const backends[] = {&sb__backend_sqlite};

const sb__backend *sb__backend_find(const char *name)
{
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        if (strcmp(backends[i]->name, name) == 0) {
            return backends[i];
        }
    }
    return NULL;
}

sb_status sb__backend_require(const sb__backend **out, const char *name)
{
    const sb__backend *found = sb__backend_find(name);

    if (out) {
        *out = found;
    }
    if (!found) {
        return sb__fail(SB_ERUNTIME,
                        "Requested backend '%s' is not available. Only 'sqlite' is: set "
                        "BROKER_BACKEND or the project file's 'backend' to it",
                        name);
    }
    return SB_OK;
}

int sb__backend_is_sqlite(const char *name)
{
    return strcmp(name, "sqlite") == 0;
}
