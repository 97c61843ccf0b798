/* The C API in ten lines: open, write, claim. */
#include <simplebroker.h>
#include <stdio.h>

int main(void)
{
    sb_broker *broker = NULL;
    sb_messages *taken = NULL;
    sb_status status = sb_open_path(&broker, "tasks.db", SB_NTS, NULL, NULL);

    if (status == SB_OK) {
        status = sb_write(NULL, broker, "tasks", SB_NTS, "resize cat.png", SB_NTS, NULL);
    }
    if (status == SB_OK) {
        status = sb_claim(&taken, broker, "tasks", SB_NTS, 1, NULL);
    }
    if (status == SB_OK) {
        printf("%s\n", sb_messages_body(NULL, taken, 0));
    } else if (status < 0) {
        fprintf(stderr, "%s\n", sb_error_message(NULL));
    }
    sb_messages_free(taken);
    sb_close(broker);
    return status == SB_OK ? 0 : 1;
}
