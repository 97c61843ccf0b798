/*
 * The target object: which backend, which file or server. Immutable once made, so that threads can
 * share it; sb_target_select() leaves in it what sb_target_check() asks for later.
 */
#ifndef SB_TARGET_H
#define SB_TARGET_H

#include <stdatomic.h>

#include "backend.h"
#include "simplebroker.h"

typedef struct sb__selection {
    char *directory;        /* the directory's text: --dir, location or current directory */
    char *file;             /* the file name's text; NULL for a file found upward */
    int is_set;             /* made by sb_target_select() from a directory and file */
    int file_is_relative;   /* must lie inside the directory */
    int found_upward;       /* its directory must be an ancestor */
} sb__selection;

struct sb_target {
    atomic_int references;
    const sb__backend *backend; /* NULL: named, but not available here */
    char *backend_name;
    char *address;
    char *display;
    char *project_root; /* NULL if none */
    char *config_path;  /* NULL if none */
    int used_project_scope;
    int plain_path;
    sb_strings *option_names;
    sb_values *option_values;
    sb__selection selection;
};

/* What a target is made of; everything is copied. */
typedef struct sb__target_parts {
    const char *backend_name;
    const char *address;
    const char *project_root;
    const char *config_path;
    int used_project_scope;
    int plain_path;
    const sb_strings *option_names; /* sorted; NULL: none */
    const sb_values *option_values;
} sb__target_parts;

sb_status sb__target_new(sb_target **out, const sb__target_parts *parts);

/* A plain SQLite target: `address` as it is, `project_root` as given. */
sb_status sb__target_new_sqlite(sb_target **out, const char *address, const char *project_root,
                                int used_project_scope);

/* An address with the passwords of URLs and conninfo strings masked; the caller frees. */
sb_status sb__target_mask(char **out, const char *address);

#endif
