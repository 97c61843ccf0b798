/*
 * What the tests of targets share: a scratch directory as the current one, files in it, and a
 * configuration that remembers its warnings.
 */
#ifndef SB_PROJECT_TESTING_H
#define SB_PROJECT_TESTING_H

#include <limits.h>
#include <sys/stat.h>

#include "testing.h"

typedef struct project {
    scratch *scratch;
    char root[PATH_MAX]; /* of the scratch directory, without links */
    sb_config *config;
    int warnings;
    char warning[512]; /* the last one */
} project;

static inline void project_warned(void *payload, sb_warning kind, const char *text)
{
    project *p = payload;

    (void)kind;
    p->warnings++;
    snprintf(p->warning, sizeof p->warning, "%s", text);
}

static inline int project_new(void **state)
{
    project *p = calloc(1, sizeof *p);

    if (!p || scratch_new(state)) {
        free(p);
        return -1;
    }
    p->scratch = *state;
    p->config = p->scratch->config;
    *state = p;
    if (!realpath(p->scratch->directory, p->root) || chdir(p->root)) {
        return -1;
    }
    return sb_config_on_warning(p->config, project_warned, p, NULL);
}

static inline int project_free(void **state)
{
    project *p = *state;
    void *inner = p->scratch;

    free(p);
    return chdir("/") || scratch_free(&inner);
}

static inline void set(project *p, const char *key, const char *value)
{
    assert_ok(sb_config_set_text(p->config, key, (size_t)SB_NTS, value, (size_t)SB_NTS));
}

static inline void put_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static inline void put_directory(const char *path)
{
    assert_int_equal(mkdir(path, 0777), 0);
}

static inline void put_broker(project *p, const char *path)
{
    sb_target *target = NULL;

    assert_ok(sb_target_sqlite(&target, path, (size_t)SB_NTS));
    assert_ok(sb_init(target, p->config));
    sb_target_free(target);
}

/* The target's address is this path of the scratch directory. */
static inline void assert_address(const project *p, const sb_target *target, const char *path)
{
    char want[PATH_MAX + 64];

    snprintf(want, sizeof want, "%s%s", p->root, path);
    assert_string_equal(sb_target_address(target), want);
}

#endif
