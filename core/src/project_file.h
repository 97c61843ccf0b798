/*
 * Reading .broker.toml into a target. The file is trusted: its SQLite target may lie anywhere.
 */
#ifndef SB_PROJECT_FILE_H
#define SB_PROJECT_FILE_H

#include "config.h"
#include "simplebroker.h"

/*
 * The target that a project file describes. Warns through the configuration about passwords and
 * permissions. SB_EINVALID with the reason; SB_ERUNTIME for an unavailable backend.
 */
sb_status sb__project_file_target(sb_target **out, const char *path, const sb_config *config);

#endif
