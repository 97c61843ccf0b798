/* Settings: from the environment, overridden in the program, or without the environment at all. */
#include "example.h"

int main(void)
{
    sb_config *config = NULL;
    sb_broker *broker = NULL;
    int64_t interval = 0;
    const char *mode = NULL;

    setenv("BROKER_AUTO_VACUUM_INTERVAL", "500", 1);
    check(sb_config_from_environment(&config));
    check(sb_config_set_text(config, "BROKER_SYNC_MODE", SB_NTS, "normal", SB_NTS));
    check(sb_config_get_int64(&interval, config, "BROKER_AUTO_VACUUM_INTERVAL", SB_NTS));
    check(sb_config_get_text(&mode, NULL, config, "BROKER_SYNC_MODE", SB_NTS));
    printf("interval %d, mode %s\n", (int)interval, mode);
    check(sb_open_path(&broker, "settings.db", SB_NTS, config, NULL));
    sb_close(broker);
    sb_config_free(config);

    check(sb_config_isolated(&config));
    check(sb_config_get_int64(&interval, config, "BROKER_AUTO_VACUUM_INTERVAL", SB_NTS));
    printf("isolated: interval %d, %zu settings\n", (int)interval, sb_config_key_count());
    sb_config_free(config);
    return 0;
}
