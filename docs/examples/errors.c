/* What an error tells, and how long it lasts. */
#include "example.h"

static void show(const sb_error *error)
{
    sb_status status = sb_error_status(error);

    printf("%s (%s): %s\n", sb_status_name(status), sb_status_family(status),
           sb_error_message(error));
}

int main(void)
{
    sb_broker *broker = NULL;
    sb_config *config = NULL;
    sb_error *kept = NULL;

    check(sb_open_path(&broker, "errors.db", SB_NTS, NULL, NULL));

    sb_write(NULL, broker, "no spaces please", SB_NTS, "m", SB_NTS, NULL);
    kept = sb_error_save();
    sb_write(NULL, broker, "q", SB_NTS, "\xff", SB_NTS, NULL);
    show(NULL);

    /* Every call that returns a status starts with a clean slate. */
    check(sb_write(NULL, broker, "q", SB_NTS, "m", SB_NTS, NULL));
    printf("after a success: \"%s\"\n", sb_error_message(NULL));
    show(kept);
    sb_error_free(kept);

    check(sb_config_isolated(&config));
    sb_config_set_text(config, "BROKER_BUSY_TIMEOUT", SB_NTS, "soon", SB_NTS);
    printf("%s: %s was expected, not %s\n", sb_error_field(NULL, SB_ERROR_KEY),
           sb_error_field(NULL, SB_ERROR_EXPECTED), sb_error_field(NULL, SB_ERROR_VALUE));
    sb_config_free(config);
    sb_close(broker);
    return 0;
}
