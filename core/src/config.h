/*
 * The 32 settings, normalised. An sb_config is reference counted, so that a broker or target can
 * keep the one it was made with. Texts are borrowed from it until the setting is changed.
 */
#ifndef SB_CONFIG_H
#define SB_CONFIG_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "simplebroker.h"
#include "warnings.h"

typedef struct sb__setting_text {
    char *data; /* NUL-terminated, from sb_alloc() */
    size_t len;
} sb__setting_text;

typedef enum sb__sync_mode {
    SB__SYNC_OFF = 0, /* the numbers are those of PRAGMA synchronous */
    SB__SYNC_NORMAL = 1,
    SB__SYNC_FULL = 2
} sb__sync_mode;

/*
 * Values are as the contract normalises them, without a range check: 0 and negative numbers occur.
 * Integers beyond 64 bits, which Python would accept, are clamped.
 */
typedef struct sb__settings {
    int64_t busy_timeout_ms;
    int64_t cache_mb;
    sb__setting_text sync_mode_name;
    int64_t wal_autocheckpoint;
    int64_t max_message_size;
    int64_t read_commit_interval;
    int64_t generator_batch_size;
    int64_t load_max_future_skew;
    int64_t auto_vacuum;
    int64_t auto_vacuum_interval;
    double vacuum_threshold; /* a ratio */
    int64_t vacuum_batch_size;
    int64_t skip_idle_check;
    double jitter_factor;
    int64_t initial_checks;
    double max_interval;
    double burst_sleep;
    int64_t debug;
    int64_t logging_enabled;
    sb__setting_text default_db_location;
    sb__setting_text default_db_name;
    sb__setting_text project_config_path;
    sb__setting_text project_config_name;
    int64_t project_scope;
    sb__setting_text backend;
    sb__setting_text backend_host;
    int64_t backend_port;
    sb__setting_text backend_user;
    sb__setting_text backend_password;
    sb__setting_text backend_database;
    sb__setting_text backend_schema;
    sb__setting_text backend_target;

    sb__sync_mode sync_mode; /* follows sync_mode_name */
} sb__settings;

struct sb_config {
    atomic_int references;
    sb__settings settings;
    sb__warnings warnings;
};

const sb__settings *sb__config_settings(const sb_config *config);

/* Another reference, released with sb_config_free(). NULL gives NULL. */
sb_config *sb__config_retain(const sb_config *config);

/* Tells the configuration's listener, or keeps the text until there is one. Leaves the error be. */
void sb__config_warn(const sb_config *config, sb_warning kind, const char *format, ...)
    SB__PRINTF(3, 4);

#endif
