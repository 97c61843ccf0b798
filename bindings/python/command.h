/*
 * The command, embedded: declarations of core/cli/embed.h in the form cffi takes, and its host,
 * implemented in python/simplebroker/_command.py.
 */
typedef struct broker_watch {
    const sb_target *target;
    const char *queue;
    const char *move_to;
    int peek;
    int64_t after;
    void *printer;
} broker_watch;
typedef struct broker_host {
    void *payload;
    int (*write)(void *payload, int stream, const char *bytes, size_t size);
    int64_t (*read)(void *payload, char *buffer, size_t size);
    int (*is_terminal)(void *payload, int stream);
    void (*warn)(void *payload, int kind, const char *text);
    int (*stop)(void *payload);
    sb_status (*watch)(void *payload, const broker_watch *watch);
} broker_host;
int broker_command_run(int argc, char **argv, const sb_config *config, sb_target *target,
                       const broker_host *host, sb_status *raised);
int broker_watch_print(const broker_watch *watch, int64_t id, const char *body, size_t size);
extern "Python" int sbpy_command_write(void *payload, int stream, const char *bytes, size_t size);
extern "Python" int64_t sbpy_command_read(void *payload, char *buffer, size_t size);
extern "Python" int sbpy_command_is_terminal(void *payload, int stream);
extern "Python" void sbpy_command_warn(void *payload, int kind, const char *text);
extern "Python" int sbpy_command_stop(void *payload);
extern "Python" sb_status sbpy_command_watch(void *payload, const broker_watch *watch);
