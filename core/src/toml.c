/*
 * The grammar of a TOML 1.0 document, and its rules on what may be defined where.
 *
 * Every table has a number, its space, and a name is known by the space that it stands in, so
 * that the rules need no tree: a new element of an array of tables is a new, empty space. A
 * section is what one header governs (or one inline table); dotted keys may add to a table of
 * their section only.
 */
#include "toml.h"

#include <string.h>

#include "text.h"
#include "toml_lexer.h"
#include "toml_names.h"

/* How a place is reported: values at the top and those of its tables are, the rest is not. */
enum { LEVEL_TOP, LEVEL_TABLE, LEVEL_DEEP };

struct place {
    uint64_t space;
    uint64_t section;
    int level;
    const sb__toml_name *table; /* at LEVEL_TABLE */
};

/* One of the names that dots separate in a key. */
struct part {
    const char *at; /* in the document */
    const char *text;
    size_t len;
};

struct parser {
    sb__toml_lexer lexer;
    sb__toml_names names;
    uint64_t last_section;
    struct place current; /* of the last header */
    sb__toml_cb callback;
    void *payload;
};

static int parse_value(struct parser *parser, const struct place *place, const sb__toml_name *name,
                       int depth);

static int report(struct parser *parser, const struct place *place, const sb__toml_name *name,
                  const sb__toml_value *value)
{
    sb__toml_entry entry = {.key = name->text, .key_len = name->len, .value = *value};

    if (place->level == LEVEL_DEEP) {
        return 0;
    }
    if (place->level == LEVEL_TABLE) {
        entry.table = place->table->text;
        entry.table_len = place->table->len;
    }
    return parser->callback(&entry, parser->payload);
}

static int report_type(struct parser *parser, const struct place *place, const sb__toml_name *name,
                       sb__toml_type type)
{
    sb__toml_value value = {.type = type};

    return report(parser, place, name, &value);
}

/* Goes from a place into a table, or into the last table of a list, that stands in it. */
static struct place inside(const struct place *place, const sb__toml_name *name)
{
    struct place inner = {.space = name->space, .section = place->section, .level = LEVEL_DEEP};

    if (place->level == LEVEL_TOP && name->kind != SB__TOML_LIST) {
        inner.level = LEVEL_TABLE;
        inner.table = name;
    }
    return inner;
}

/* Keys */

static int is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
        || c == '-';
}

/* The part stays valid until the next string is read. */
static int read_part(sb__toml_lexer *lexer, struct part *out)
{
    int rc;

    out->at = lexer->at;
    if (sb__toml_peek(lexer) == '"' || sb__toml_peek(lexer) == '\'') {
        rc = sb__toml_read_string(lexer, 1);
        out->text = lexer->text.data;
        out->len = lexer->text.len;
        return rc;
    }
    while (is_bare(sb__toml_peek(lexer))) {
        lexer->at++;
    }
    out->text = out->at;
    out->len = (size_t)(lexer->at - out->at);
    if (out->len == 0) {
        return sb__toml_fail(lexer, lexer->at, "Invalid initial character for a key part");
    }
    return 0;
}

/* Passes the dot between two parts of a key, if one is next. */
static int accept_dot(sb__toml_lexer *lexer)
{
    sb__toml_skip_blanks(lexer);
    if (!sb__toml_accept(lexer, ".")) {
        return 0;
    }
    sb__toml_skip_blanks(lexer);
    return 1;
}

/* What goes from a place into the table that a part before a dot names. */
typedef int (*enter_fn)(struct parser *parser, struct place *place, const struct part *part);

/* Reads a key, enters what its parts before the last one name, and leaves the last to the caller.
 * */
static int read_key(struct parser *parser, struct place *place, enter_fn enter, struct part *last)
{
    int rc = read_part(&parser->lexer, last);

    while (rc == 0 && accept_dot(&parser->lexer)) {
        rc = enter(parser, place, last);
        if (rc == 0) {
            rc = read_part(&parser->lexer, last);
        }
    }
    return rc;
}

static sb__toml_name *find(const struct parser *parser, const struct place *place,
                           const struct part *part)
{
    return sb__toml_names_find(&parser->names, place->space, part->text, part->len);
}

static int add(struct parser *parser, sb__toml_name **out, const struct place *place,
               const struct part *part, sb__toml_name_kind kind)
{
    *out = sb__toml_names_add(&parser->names, place->space, part->text, part->len, kind);
    return *out != NULL ? 0 : SB__TOML_NO_MEMORY;
}

static int add_table(struct parser *parser, sb__toml_name **out, const struct place *place,
                     const struct part *part)
{
    int rc = add(parser, out, place, part, SB__TOML_OPEN);

    return rc != 0 ? rc : report_type(parser, place, *out, SB__TOML_TABLE);
}

/* Key and value */

/* A table that a dotted key names may be new, or made by a deeper header only, or made by dotted
 * keys of this very section. */
static int enter_by_dot(struct parser *parser, struct place *place, const struct part *part)
{
    sb__toml_name *name = find(parser, place, part);
    int rc = 0;

    if (name == NULL) {
        rc = add_table(parser, &name, place, part);
        if (rc != 0) {
            return rc;
        }
    } else if (name->kind == SB__TOML_CLOSED) {
        return sb__toml_fail(&parser->lexer, part->at, "Cannot overwrite a value");
    } else if (name->kind == SB__TOML_LIST || name->has_header
               || (name->section != 0 && name->section != place->section)) {
        return sb__toml_fail(&parser->lexer, part->at, "Cannot redefine a table by a dotted key");
    }
    name->section = place->section;
    *place = inside(place, name);
    return 0;
}

static int parse_key_value(struct parser *parser, struct place place, int depth)
{
    sb__toml_lexer *lexer = &parser->lexer;
    sb__toml_name *name = NULL;
    struct part part;
    int rc = read_key(parser, &place, enter_by_dot, &part);

    if (rc != 0) {
        return rc;
    }
    if (!sb__toml_accept(lexer, "=")) {
        return sb__toml_fail(lexer, lexer->at, "Expected '=' after a key in a key/value pair");
    }
    if (find(parser, &place, &part) != NULL) {
        return sb__toml_fail(lexer, part.at, "Cannot overwrite a value");
    }
    rc = add(parser, &name, &place, &part, SB__TOML_CLOSED);
    if (rc != 0) {
        return rc;
    }
    sb__toml_skip_blanks(lexer);
    return parse_value(parser, &place, name, depth);
}

/* Values */

/* Passes white space, line ends and comments inside an array. */
static int skip_in_array(sb__toml_lexer *lexer)
{
    int rc;

    do {
        sb__toml_skip_blanks(lexer);
        rc = sb__toml_skip_comment(lexer);
    } while (rc == 0 && sb__toml_accept_newline(lexer));
    return rc;
}

static int parse_array(struct parser *parser, const sb__toml_name *name, int depth)
{
    static const struct place unreported = {.level = LEVEL_DEEP};
    sb__toml_lexer *lexer = &parser->lexer;
    int rc;

    sb__toml_accept(lexer, "[");
    for (;;) {
        rc = skip_in_array(lexer);
        if (rc != 0 || sb__toml_accept(lexer, "]")) {
            return rc;
        }
        rc = parse_value(parser, &unreported, name, depth + 1);
        if (rc == 0) {
            rc = skip_in_array(lexer);
        }
        if (rc != 0 || sb__toml_accept(lexer, "]")) {
            return rc;
        }
        if (!sb__toml_accept(lexer, ",")) {
            return sb__toml_fail(lexer, lexer->at, "Unclosed array");
        }
    }
}

static int parse_inline_table(struct parser *parser, const struct place *place,
                              const sb__toml_name *name, int depth)
{
    sb__toml_lexer *lexer = &parser->lexer;
    struct place inner = inside(place, name);
    int rc;

    inner.space = ++parser->names.last_space;
    inner.section = ++parser->last_section;
    sb__toml_accept(lexer, "{");
    sb__toml_skip_blanks(lexer);
    if (sb__toml_accept(lexer, "}")) {
        return 0;
    }
    for (;;) {
        rc = parse_key_value(parser, inner, depth + 1);
        if (rc != 0) {
            return rc;
        }
        sb__toml_skip_blanks(lexer);
        if (sb__toml_accept(lexer, "}")) {
            return 0;
        }
        if (!sb__toml_accept(lexer, ",")) {
            return sb__toml_fail(lexer, lexer->at, "Unclosed inline table");
        }
        sb__toml_skip_blanks(lexer);
    }
}

/* Parses a value of that name in that place; an element of an array has a place without reports. */
static int parse_value(struct parser *parser, const struct place *place, const sb__toml_name *name,
                       int depth)
{
    sb__toml_value value;
    char c = sb__toml_peek(&parser->lexer);
    int rc;

    if (c != '[' && c != '{') {
        rc = sb__toml_read_scalar(&parser->lexer, &value);
        return rc != 0 ? rc : report(parser, place, name, &value);
    }
    if (depth >= SB__TOML_MAX_DEPTH) {
        return sb__toml_fail(&parser->lexer, parser->lexer.at, "Nested too deeply");
    }
    rc = report_type(parser, place, name, c == '[' ? SB__TOML_ARRAY : SB__TOML_TABLE);
    if (rc != 0) {
        return rc;
    }
    return c == '[' ? parse_array(parser, name, depth)
                    : parse_inline_table(parser, place, name, depth);
}

/* Headers */

static int enter_by_header(struct parser *parser, struct place *place, const struct part *part)
{
    sb__toml_name *name = find(parser, place, part);
    int rc = 0;

    if (name == NULL) {
        rc = add_table(parser, &name, place, part);
        if (rc != 0) {
            return rc;
        }
    } else if (name->kind == SB__TOML_CLOSED) {
        return sb__toml_fail(&parser->lexer, part->at, "Cannot overwrite a value");
    }
    *place = inside(place, name);
    return 0;
}

/* [table]: new, or so far only the way to deeper ones. */
static int define_table(struct parser *parser, struct place *place, const struct part *part)
{
    sb__toml_name *name = find(parser, place, part);
    int rc = 0;

    if (name == NULL) {
        rc = add_table(parser, &name, place, part);
        if (rc != 0) {
            return rc;
        }
    } else if (name->kind != SB__TOML_OPEN || name->has_header || name->section != 0) {
        return sb__toml_fail(&parser->lexer, part->at, "Cannot declare a table twice");
    }
    name->has_header = 1;
    *place = inside(place, name);
    return 0;
}

/* [[list]]: one more table of it. */
static int define_element(struct parser *parser, struct place *place, const struct part *part)
{
    sb__toml_name *name = find(parser, place, part);
    int rc = 0;

    if (name == NULL) {
        rc = add(parser, &name, place, part, SB__TOML_LIST);
        if (rc == 0) {
            rc = report_type(parser, place, name, SB__TOML_ARRAY);
        }
        if (rc != 0) {
            return rc;
        }
    } else if (name->kind != SB__TOML_LIST) {
        return sb__toml_fail(&parser->lexer, part->at, "Cannot overwrite a value");
    } else {
        name->space = ++parser->names.last_space;
    }
    *place = inside(place, name);
    return 0;
}

static int parse_header(struct parser *parser)
{
    sb__toml_lexer *lexer = &parser->lexer;
    struct place place = {.section = ++parser->last_section};
    int list = sb__toml_accept(lexer, "[[");
    struct part part;
    int rc;

    if (!list) {
        sb__toml_accept(lexer, "[");
    }
    sb__toml_skip_blanks(lexer);
    rc = read_key(parser, &place, enter_by_header, &part);
    if (rc != 0) {
        return rc;
    }
    if (!sb__toml_accept(lexer, list ? "]]" : "]")) {
        return sb__toml_fail(lexer, lexer->at, list ? "Expected ']]' at the end of an array name"
                                                    : "Expected ']' at the end of a table name");
    }
    rc = list ? define_element(parser, &place, &part) : define_table(parser, &place, &part);
    parser->current = place;
    return rc;
}

/* Documents */

static int parse_statement(struct parser *parser)
{
    char c = sb__toml_peek(&parser->lexer);

    if (c == '[') {
        return parse_header(parser);
    }
    if (is_bare(c) || c == '"' || c == '\'') {
        return parse_key_value(parser, parser->current, 0);
    }
    return sb__toml_fail(&parser->lexer, parser->lexer.at, "Invalid statement");
}

static int parse_line(struct parser *parser)
{
    sb__toml_lexer *lexer = &parser->lexer;
    int rc = 0;

    sb__toml_skip_blanks(lexer);
    if (sb__toml_accept_newline(lexer)) {
        return 0;
    }
    if (lexer->at < lexer->end && *lexer->at != '#') {
        rc = parse_statement(parser);
    }
    if (rc == 0) {
        sb__toml_skip_blanks(lexer);
        rc = sb__toml_skip_comment(lexer);
    }
    if (rc == 0 && lexer->at < lexer->end && !sb__toml_accept_newline(lexer)) {
        rc = sb__toml_fail(lexer, lexer->at,
                           "Expected newline or end of document after a statement");
    }
    return rc;
}

int sb__toml_parse(const char *text, size_t len, sb__toml_cb callback, void *payload,
                   sb__toml_error *error)
{
    struct parser parser = {.callback = callback, .payload = payload};
    size_t valid = sb__utf8_valid_prefix(text, len);
    int rc = 0;

    parser.lexer = (sb__toml_lexer){text, text, text + len, SB__STR_INIT, error};
    parser.current.section = ++parser.last_section;
    memset(error, 0, sizeof(*error));
    if (valid < len) {
        return sb__toml_fail(&parser.lexer, text + valid, "Invalid UTF-8");
    }
    while (rc == 0 && parser.lexer.at < parser.lexer.end) {
        rc = parse_line(&parser);
    }
    sb__str_dispose(&parser.lexer.text);
    sb__toml_names_dispose(&parser.names);
    return rc;
}
