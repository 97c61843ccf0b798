/*
 * Reading of standard input with read(2). Every wait also ends on SIGINT, and an endless input is
 * refused as soon as it passes the limit.
 */
#include "input.h"

#include "errors.h"
#include "interrupt.h"
#include "streams.h"
#include "utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 4096, LINES_ROOM = 64 * 1024 };

/* read(2), given up on SIGINT with EINTR. */
static ssize_t read_stdin(const struct cli *cli, char *buffer, size_t size)
{
    ssize_t count;

    do {
        if (!streams_redirected() && !interrupt_wait_readable(STDIN_FILENO, cli->cancel)) {
            errno = EINTR;
            return -1;
        }
        count = streams_read(buffer, size);
    } while (count < 0 && !streams_redirected() && (errno == EINTR || errno == EAGAIN));
    return count;
}

static bool fail_stdin(struct cli *cli)
{
    if (errno == EINTR) {
        return fail_interrupted(cli);
    }
    if (errno == EBADF) {
        return fail(cli, CODE_ERROR, "cannot read stdin: it is closed");
    }
    return fail(cli, CODE_ERROR, "cannot read stdin: %s", strerror(errno));
}

static bool check_utf8(struct cli *cli, const struct message *message)
{
    size_t valid = utf8_valid_length(message->body, message->size);

    if (valid < message->size) {
        return fail(cli, CODE_ERROR, "message is not valid UTF-8 text (at byte %zu)", valid + 1);
    }
    return true;
}

static bool reserve(char **buffer, size_t *room, size_t size)
{
    size_t wanted = *room ? *room : PIECE;
    char *grown;

    if (size <= *room) {
        return true;
    }
    while (wanted < size) {
        wanted *= 2;
    }
    grown = realloc(*buffer, wanted);
    if (grown == NULL) {
        errno = ENOMEM;
        return false;
    }
    *buffer = grown;
    *room = wanted;
    return true;
}

static bool read_message(struct cli *cli, struct message *out, int64_t limit)
{
    size_t room = 0, size = 0;
    ssize_t count;

    for (;;) {
        if (!reserve(&out->owned, &room, size + PIECE)) {
            return fail(cli, CODE_ERROR, "out of memory");
        }
        count = read_stdin(cli, out->owned + size, PIECE);
        if (count < 0) {
            return fail_stdin(cli);
        }
        size += (size_t)count;
        if ((int64_t)size > limit) {
            return fail(cli, CODE_ERROR, "Input exceeds maximum size of %" PRId64 " bytes", limit);
        }
        if (count == 0) {
            break;
        }
    }
    out->body = out->owned;
    out->size = size;
    return true;
}

bool input_message(struct cli *cli, struct message *out, const char *operand)
{
    int64_t limit;

    memset(out, 0, sizeof *out);
    if (sb_config_get_int64(&limit, cli->config, "BROKER_MAX_MESSAGE_SIZE", SB_NTS) != SB_OK) {
        return fail_last(cli, CODE_ERROR);
    }
    if (operand == NULL && streams_is_terminal(STDIN_FILENO)) {
        return fail(cli, CODE_ERROR, "message is required when stdin is a terminal; "
                                     "give it as an argument or pipe it in");
    }
    if (operand == NULL || strcmp(operand, "-") == 0) {
        return read_message(cli, out, limit) && check_utf8(cli, out);
    }
    out->body = operand;
    out->size = strlen(operand);
    if (!check_utf8(cli, out)) {
        return false;
    }
    if ((int64_t)out->size > limit) {
        return fail(cli, CODE_ERROR, "Message exceeds maximum size of %" PRId64 " bytes", limit);
    }
    return true;
}

void message_free(struct message *message)
{
    free(message->owned);
    memset(message, 0, sizeof *message);
}

void lines_init(struct lines *lines, size_t limit)
{
    memset(lines, 0, sizeof *lines);
    lines->limit = limit;
}

void lines_dispose(struct lines *lines)
{
    free(lines->buffer);
    lines->buffer = NULL;
}

/* Reads more behind what is there, moving an unfinished line to the front first. */
static bool lines_fill(struct lines *lines, const struct cli *cli)
{
    ssize_t count;

    if (lines->start > 0) {
        memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
        lines->end -= lines->start;
        lines->start = 0;
    }
    if (!reserve(&lines->buffer, &lines->room, lines->end + LINES_ROOM)) {
        return false;
    }
    count = read_stdin(cli, lines->buffer + lines->end, lines->room - lines->end);
    if (count < 0) {
        return false;
    }
    lines->end += (size_t)count;
    lines->at_end = count == 0;
    return true;
}

enum line_result lines_next(struct lines *lines, const struct cli *cli, const char **out,
                            size_t *out_size)
{
    size_t searched = 0;

    for (;;) {
        size_t held = lines->end - lines->start;
        const char *begin = held > 0 ? lines->buffer + lines->start : NULL;
        const char *feed = NULL;

        if (held > searched) {
            feed = memchr(begin + searched, '\n', held - searched);
        }
        if (feed != NULL || (lines->at_end && held > 0)) {
            *out = begin;
            *out_size = feed != NULL ? (size_t)(feed - begin) + 1 : held;
            lines->start += *out_size;
            return LINE_READ;
        }
        if (lines->at_end) {
            return LINE_END;
        }
        if (held > lines->limit) {
            return LINE_TOO_LONG;
        }
        searched = held;
        if (!lines_fill(lines, cli)) {
            return LINE_FAILED;
        }
    }
}
