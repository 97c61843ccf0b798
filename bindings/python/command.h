/*
 * The command, embedded: declarations of core/cli/embed.h in the form cffi takes, and its streams,
 * implemented in python/simplebroker/_command.py.
 */
typedef struct broker_streams {
    void *payload;
    int (*write)(void *payload, int stream, const char *bytes, size_t size);
    int64_t (*read)(void *payload, char *buffer, size_t size);
    int (*is_terminal)(void *payload, int stream);
    void (*warn)(void *payload, const char *text);
} broker_streams;
int broker_command_run(int argc, char **argv, sb_config *config, sb_target *target,
                       const broker_streams *streams, sb_status *raised);
extern "Python" int sbpy_command_write(void *payload, int stream, const char *bytes, size_t size);
extern "Python" int64_t sbpy_command_read(void *payload, char *buffer, size_t size);
extern "Python" int sbpy_command_is_terminal(void *payload, int stream);
extern "Python" void sbpy_command_warn(void *payload, const char *text);
