/*
 * What the library calls in Python. Each is a function of the same name in python/simplebroker and
 * takes a cffi handle as its payload.
 */
extern "Python" sb_status sbpy_runner_run(void *payload, const char *sql, size_t sql_len,
                                          const sb_values *params, sb_rows *rows);
extern "Python" sb_status sbpy_runner_begin(void *payload);
extern "Python" sb_status sbpy_runner_commit(void *payload);
extern "Python" sb_status sbpy_runner_rollback(void *payload);
extern "Python" sb_status sbpy_runner_setup(void *payload, sb_setup_phase phase);
extern "Python" sb_status sbpy_runner_is_setup_complete(void *payload, sb_setup_phase phase);
extern "Python" void sbpy_release(void *payload);
extern "Python" sb_status sbpy_row(void *payload, const sb_values *row);
extern "Python" void sbpy_warning(void *payload, sb_warning kind, const char *text);
extern "Python" int sbpy_poll(void *payload);
extern "Python" sb_status sbpy_high_water_read(void *payload, int64_t *out);
extern "Python" sb_status sbpy_high_water_advance(void *payload, int64_t value);
extern "Python" int sbpy_stop_event(void *payload);
extern "Python" sb_status sbpy_load_alias(void *payload, const char *alias, size_t alias_len,
                                          const char *target, size_t target_len);
extern "Python" sb_status sbpy_load_messages(void *payload, const sb_messages *messages);
extern "Python" sb_status sbpy_load_advance(void *payload, int64_t last_ts);
extern "Python" int sbpy_command_write(void *payload, int stream, const char *bytes, size_t size);
extern "Python" int64_t sbpy_command_read(void *payload, char *buffer, size_t size);
extern "Python" int sbpy_command_is_terminal(void *payload, int stream);
extern "Python" void sbpy_command_warn(void *payload, int kind, const char *text);
extern "Python" int sbpy_command_stop(void *payload);
extern "Python" sb_status sbpy_command_watch(void *payload, const broker_watch *watch);
