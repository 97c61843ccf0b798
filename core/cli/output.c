/* The buffered writer, and the two ways of escaping text. */
#include "output.h"

#include "interrupt.h"
#include "streams.h"
#include "utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <simplebroker.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_ROOM = 4096, KEPT_ROOM = 256 * 1024 };

void output_init(struct output *output, int fd)
{
    memset(output, 0, sizeof *output);
    output->fd = fd;
}

void output_dispose(struct output *output)
{
    free(output->buffer);
    output->buffer = NULL;
    output->used = output->room = 0;
}

static bool make_room(struct output *output, size_t size)
{
    size_t room = output->room ? output->room : FIRST_ROOM;
    char *grown;

    if (output->error != 0) {
        return false;
    }
    if (output->room - output->used >= size) {
        return true;
    }
    while (room - output->used < size) {
        if (room > SIZE_MAX / 2) {
            output->error = ENOMEM;
            return false;
        }
        room *= 2;
    }
    grown = realloc(output->buffer, room);
    if (grown == NULL) {
        output->error = ENOMEM;
        return false;
    }
    output->buffer = grown;
    output->room = room;
    return true;
}

bool output_bytes(struct output *output, const char *bytes, size_t size)
{
    if (!make_room(output, size)) {
        return false;
    }
    if (size > 0) {
        memcpy(output->buffer + output->used, bytes, size);
        output->used += size;
    }
    return true;
}

bool output_text(struct output *output, const char *text)
{
    return output_bytes(output, text, strlen(text));
}

bool output_number(struct output *output, int64_t number)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRId64, number);

    return output_bytes(output, digits, (size_t)length);
}

bool output_id(struct output *output, int64_t id)
{
    char digits[SB_ID_SIZE];

    if (sb_id_format(digits, sizeof digits, id) != SB_OK) {
        return output_number(output, id);
    }
    return output_bytes(output, digits, SB_ID_DIGITS);
}

static void json_unit(struct output *output, unsigned unit)
{
    char escape[8];

    snprintf(escape, sizeof escape, "\\u%04x", unit & 0xffffu);
    output_bytes(output, escape, 6);
}

static void json_point(struct output *output, uint32_t point)
{
    if (point > 0xffff) {
        json_unit(output, 0xd800u + ((point - 0x10000u) >> 10));
        point = 0xdc00u + ((point - 0x10000u) & 0x3ffu);
    }
    json_unit(output, point);
}

static const char *json_short_escape(unsigned char byte)
{
    switch (byte) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    case '\b': return "\\b";
    case '\f': return "\\f";
    default: return NULL;
    }
}

/* Bytes from the start that stand for themselves. */
static size_t json_verbatim(const char *text, size_t size, bool ascii)
{
    size_t at;

    for (at = 0; at < size; at++) {
        unsigned char byte = (unsigned char)text[at];

        if (byte < 0x20 || byte == '"' || byte == '\\' || (ascii && byte >= 0x7f)) {
            break;
        }
    }
    return at;
}

bool output_json(struct output *output, const char *text, size_t size, bool ascii)
{
    size_t at = 0;

    output_bytes(output, "\"", 1);
    while (at < size) {
        size_t run = json_verbatim(text + at, size - at, ascii);
        const char *escape;
        uint32_t point;
        size_t step;

        output_bytes(output, text + at, run);
        at += run;
        if (at == size) {
            break;
        }
        escape = json_short_escape((unsigned char)text[at]);
        if (escape != NULL) {
            output_bytes(output, escape, 2);
            at++;
            continue;
        }
        step = utf8_decode(&point, text + at, size - at);
        if (step == 0) {
            /* A stray byte becomes the lone surrogate that Python uses for it. */
            point = 0xdc00u + (unsigned char)text[at];
            step = 1;
        }
        json_point(output, point);
        at += step;
    }
    return output_bytes(output, "\"", 1);
}

bool output_plain(struct output *output, const char *text, size_t size)
{
    char escape[8];
    size_t at = 0;

    while (at < size) {
        uint32_t point;
        size_t step = utf8_decode(&point, text + at, size - at);

        if (step == 0) {
            point = (unsigned char)text[at];
            step = 1;
        } else if (point >= 0x20 && point != 0x7f && (point < 0x80 || point > 0x9f)) {
            output_bytes(output, text + at, step);
            at += step;
            continue;
        }
        if (point == '\n' || point == '\t' || point == '\r') {
            output_text(output, point == '\n' ? "\\n" : point == '\t' ? "\\t" : "\\r");
        } else {
            snprintf(escape, sizeof escape, "\\x%02x", (unsigned)point & 0xffu);
            output_text(output, escape);
        }
        at += step;
    }
    return output->error == 0;
}

static void forget_written(struct output *output)
{
    output->used = 0;
    if (output->room > KEPT_ROOM) {
        output_dispose(output);
    }
}

bool output_flush(struct output *output)
{
    size_t done = 0;

    while (output->error == 0 && done < output->used) {
        ssize_t count = streams_write(output->fd, output->buffer + done, output->used - done);

        if (count >= 0) {
            done += (size_t)count;
        } else if (errno != EINTR || streams_redirected()) {
            output->error = errno;
        }
        if (done < output->used && output->error == 0 && interrupted()) {
            output->error = EINTR;
        }
    }
    forget_written(output);
    return output->error == 0;
}
