/* The `broker` program: what is the process's own, around a run of the command. */
#include "interrupt.h"
#include "run.h"

#include <fcntl.h>
#include <unistd.h>

/*
 * A closed standard stream would be given to the next file opened. It is filled with a descriptor
 * that fails on use, so that the command can say that the stream is closed.
 */
static void hold_streams(void)
{
    int fd;

    for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1) {
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

int main(int argc, char **argv)
{
    hold_streams();
    interrupt_ignore_pipe();
    return run_command_line(argc, argv, NULL, NULL, NULL);
}
