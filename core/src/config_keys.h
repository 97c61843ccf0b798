/*
 * The table of settings, and how a text or a typed value becomes a setting. Nothing here knows
 * where the value came from.
 */
#ifndef SB_CONFIG_KEYS_H
#define SB_CONFIG_KEYS_H

#include <stddef.h>

#include "config.h"
#include "value.h"

typedef enum sb__key_rule {
    SB__RULE_INT,           /* Python's int() */
    SB__RULE_NATURAL,       /* the same of integers and texts only, 0 or above */
    SB__RULE_FLOAT,         /* Python's float() */
    SB__RULE_PERCENT,       /* text: percent; number: a ratio up to 1, percent above */
    SB__RULE_ONE_FLAG,      /* true for 1 and "1" only */
    SB__RULE_NONEMPTY_FLAG, /* Python's bool() */
    SB__RULE_WORD_FLAG,     /* 1, true, yes, on */
    SB__RULE_TEXT,          /* Python's str() */
    SB__RULE_SYNC,          /* FULL, NORMAL, OFF; anything else is FULL */
    SB__RULE_LOCATION,      /* a safe absolute path */
    SB__RULE_DB_NAME,       /* a safe relative path of at most one directory */
    SB__RULE_CONFIG_PATH,   /* a safe absolute directory, or one relative one */
    SB__RULE_CONFIG_NAME    /* like DB_NAME, counted together with CONFIG_PATH */
} sb__key_rule;

typedef struct sb__key {
    const char *name;
    sb__key_rule rule;
    int secret;          /* never shown in an error */
    size_t offset;       /* of its member in sb__settings */
    const char *initial; /* the default, as the environment would say it */
    const char *expected;
} sb__key;

enum { SB__KEY_COUNT = 32 };

extern const sb__key sb__keys[SB__KEY_COUNT];

/* NULL for an unknown name. */
const sb__key *sb__key_find(const char *name, size_t len);

/* Type of the normalised value: SB_INT64, SB_DOUBLE, SB_BOOL or SB_TEXT. */
sb_type sb__key_type(const sb__key *key);

/*
 * Normalises a value into its member. SB_ECONFIG: not acceptable, without detail, since only the
 * caller knows the source; SB_ENOMEM. Either way `settings` is unchanged then. Paths are taken as
 * they are: they depend on each other, see sb__settings_check().
 */
sb_status sb__key_apply(sb__settings *settings, const sb__key *key, const sb__value *value);

/* The first path setting that breaks its rule, in the order Python reports them, or NULL. */
const sb__key *sb__settings_check(const sb__settings *settings);

/* Whether the location is relative; such a location is then to be ignored. */
int sb__settings_location_is_relative(const sb__settings *settings);

/* Copies all values; `out` is empty after a failure. */
sb_status sb__settings_copy(sb__settings *out, const sb__settings *settings);
void sb__settings_dispose(sb__settings *settings);

#endif
