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
    char *directory;  /* the directory's text: --dir, location or current directory */
    char *file;       /* the file name's text; NULL for a file found upward */
    int is_direct;    /* not of a project file: the path rules apply */
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
    sb_strings *option_names; /* sorted */
    sb_values *option_values;
    sb__selection selection;
};

/* What a target is made of; all of it is copied. */
typedef struct sb__target_parts {
    const char *backend_name;
    const char *address;
    const char *display;      /* NULL: the address, masked if it is a server's */
    const char *project_root; /* NULL: none */
    const char *config_path;  /* NULL: none */
    int used_project_scope;
    int plain_path;
    const sb_strings *option_names; /* in any order; NULL: none */
    const sb_values *option_values; /* texts, numbers, truth values, NULLs */
} sb__target_parts;

sb_status sb__target_new(sb_target **out, const sb__target_parts *parts);

/* An address with the passwords of URLs and conninfo strings masked; whether there was one. */
sb_status sb__address_mask(char **out, int *out_found, const char *address);

#endif
