/* The outbox: an order and the message about it are stored together, or neither is. */
#include "example.h"

static void place_order(sb_broker *broker, const char *item, int64_t amount)
{
    static const char insert[] = "INSERT INTO orders (item, amount) VALUES (?, ?)";
    sb_values *params = sb_values_new();
    sb_options options;
    sb_txn *txn = NULL;
    sb_status status;

    check(params ? SB_OK : SB_ENOMEM);
    check(sb_values_add_text(params, item, SB_NTS));
    check(sb_values_add_int64(params, amount));
    check(sb_options_init(&options, SB_OPTIONS_VERSION));
    check(sb_txn_begin(&txn, broker, NULL));
    options.txn = txn;

    status = sb_write(NULL, broker, "orders", SB_NTS, item, SB_NTS, &options);
    if (status == SB_OK) {
        status = sb_sidecar_run(broker, insert, SB_NTS, params, &options, NULL, NULL);
    }
    if (status == SB_OK) {
        check(sb_txn_commit(txn));
    } else {
        printf("no order of %s: %s\n", item, sb_error_message(NULL));
        sb_txn_rollback(txn);
    }
    sb_values_free(params);
}

static sb_status show(void *payload, const sb_values *row)
{
    (void)payload;
    printf("ordered: %s, %d\n", sb_values_text(NULL, row, 0), (int)sb_values_int64(row, 1));
    return SB_OK;
}

int main(void)
{
    static const char create[] = "CREATE TABLE orders (item TEXT, amount INT CHECK (amount > 0))";
    static const char select[] = "SELECT item, amount FROM orders";
    sb_broker *broker = NULL;
    int64_t pending = 0;

    check(sb_open_path(&broker, "shop.db", SB_NTS, NULL, NULL));
    check(sb_sidecar_run(broker, create, SB_NTS, NULL, NULL, NULL, NULL));
    place_order(broker, "apples", 3);
    place_order(broker, "pears", -1);

    check(sb_sidecar_run(broker, select, SB_NTS, NULL, NULL, show, NULL));
    check(sb_queue_stats(&pending, NULL, broker, "orders", SB_NTS, NULL));
    printf("messages: %d\n", (int)pending);
    sb_close(broker);
    return 0;
}
