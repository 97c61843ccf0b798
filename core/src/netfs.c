/*
 * Network file systems are recognised by their magic numbers. A FUSE mount is taken for a network
 * file system too: most are, and those which are not seldom share memory between processes.
 */
#include "netfs.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "config.h"

#if defined(__linux__)
#include <sys/vfs.h>

static const unsigned long network_magics[] = {
    0x6969,     /* NFS */
    0x517B,     /* SMB */
    0xFF534D42, /* CIFS */
    0xFE534D42, /* SMB2 */
    0x564C,     /* NCP */
    0x5346414F, /* AFS */
    0x6B414653, /* kAFS */
    0x73757245, /* Coda */
    0x01021997, /* 9P */
    0x00C36400, /* Ceph */
    0x0BD00BD0, /* Lustre */
    0x01161970, /* GFS2 */
    0x7461636F, /* OCFS2 */
    0x47504653, /* GPFS */
    0x19830326, /* BeeGFS */
    0xAAD7AAEA, /* PanFS */
    0x786F4256, /* VirtualBox shared folder */
    0xBACBACBC, /* VMware shared folder */
    0x65735546, /* FUSE */
};

static int is_network(const char *path, int *out)
{
    struct statfs info;

    if (statfs(path, &info)) {
        return 0;
    }
    *out = 0;
    for (size_t i = 0; i < sizeof network_magics / sizeof network_magics[0]; i++) {
        if (((unsigned long)info.f_type & 0xFFFFFFFF) == network_magics[i]) {
            *out = 1;
        }
    }
    return 1;
}
#elif defined(__APPLE__)
#include <sys/mount.h>
#include <sys/param.h>

static int is_network(const char *path, int *out)
{
    struct statfs info;

    if (statfs(path, &info)) {
        return 0;
    }
    *out = (info.f_flags & MNT_LOCAL) == 0;
    return 1;
}
#else
static int is_network(const char *path, int *out)
{
    (void)path;
    *out = 0;
    return 1;
}
#endif

int sb__is_network_fs(const char *path)
{
    char place[PATH_MAX];
    size_t len = strlen(path);
    int result = 0;

    if (is_network(path, &result) || len >= sizeof place) {
        return result;
    }
    memcpy(place, path, len + 1);
    for (;;) {
        char *slash = strrchr(place, '/');

        if (!slash) {
            return is_network(".", &result) && result;
        }
        slash[slash == place ? 1 : 0] = '\0';
        if (is_network(place, &result) || slash == place) {
            return result;
        }
    }
}

void sb__netfs_warn(const sb_config *config, const char *path)
{
    if (sb__is_network_fs(path)) {
        sb__config_warn(config, SB_WARN_NETWORK_FS,
                        "the database is on a network file system, where messages can be lost or "
                        "delivered twice; put it on a local disk: %s",
                        path);
    }
}
