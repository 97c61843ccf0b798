/*
 * Making, checking and removing what a target stands for.
 */
#include "backend.h"
#include "error.h"
#include "simplebroker.h"

static sb_status find_backend(const sb__backend **out, const sb_target *target,
                              const sb_config *config)
{
    sb__error_clear();
    if (!target || !config) {
        return sb__fail(SB_EINVALID, "target and config must not be NULL");
    }
    return sb__backend_require(out, sb_target_backend(target));
}

sb_status sb_target_verify(const sb_target *target, const sb_config *config)
{
    const sb__backend *backend;
    sb_status status = find_backend(&backend, target, config);

    return status ? status : backend->verify(target, config);
}

sb_status sb_init(const sb_target *target, const sb_config *config)
{
    const sb__backend *backend;
    sb_status status = find_backend(&backend, target, config);

    return status ? status : backend->init(target, config);
}

sb_status sb_cleanup(const sb_target *target, const sb_config *config)
{
    const sb__backend *backend;
    sb_status status = find_backend(&backend, target, config);

    return status ? status : backend->cleanup(target, config);
}
