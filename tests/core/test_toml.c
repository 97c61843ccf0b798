/*
 * test_toml.c - what a TOML document says, and what is none
 *
 * A document is compared by the reports it gives, written as "key=type:value" in their order, with
 * "table/key" for what stands in a table.
 */
#include "toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simplebroker.h"

struct row {
    const char *document;
    const char *want;
};

struct output {
    char text[4096];
    size_t len;
};

static void put(struct output *out, const char *text, size_t len)
{
    assert_true(out->len + len < sizeof(out->text));
    memcpy(out->text + out->len, text, len);
    out->len += len;
    out->text[out->len] = '\0';
}

static void put_value(struct output *out, const sb__toml_value *value)
{
    static const char *const types[] = {"str:",  "int:",  "float:", "bool:",
                                        "date:", "array", "table"};
    char number[64] = "";

    put(out, types[value->type], strlen(types[value->type]));
    if (value->text != NULL) {
        assert_int_equal(value->text[value->len], '\0');
        put(out, value->text, value->len);
    } else if (value->type == SB__TOML_FLOAT) {
        snprintf(number, sizeof(number), "%.10g", value->real);
    } else if (value->type == SB__TOML_INTEGER || value->type == SB__TOML_BOOLEAN) {
        snprintf(number, sizeof(number), "%lld", (long long)value->integer);
    }
    put(out, number, strlen(number));
}

static int collect(const sb__toml_entry *entry, void *payload)
{
    struct output *out = payload;

    if (out->len > 0) {
        put(out, "\n", 1);
    }
    if (entry->table != NULL) {
        assert_int_equal(entry->table[entry->table_len], '\0');
        put(out, entry->table, entry->table_len);
        put(out, "/", 1);
    }
    assert_int_equal(entry->key[entry->key_len], '\0');
    put(out, entry->key, entry->key_len);
    put(out, "=", 1);
    put_value(out, &entry->value);
    return 0;
}

static void check_valid(const struct row *rows, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        struct output out = {.len = 0};
        sb__toml_error error;
        int rc = sb__toml_parse(rows[i].document, strlen(rows[i].document), collect, &out, &error);

        if (rc != 0 || strcmp(out.text, rows[i].want) != 0) {
            fail_msg("<<%s>>: result %d %s, reports <<%s>>", rows[i].document, rc, error.message,
                     out.text);
        }
    }
}

/* The wanted text is "line:column message". */
static void check_invalid(const struct row *rows, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        struct output out = {.len = 0};
        sb__toml_error error;
        char got[128];
        int rc = sb__toml_parse(rows[i].document, strlen(rows[i].document), collect, &out, &error);

        snprintf(got, sizeof(got), "%zu:%zu %s", error.line, error.column, error.message);
        if (rc != SB__TOML_BAD || strcmp(got, rows[i].want) != 0) {
            fail_msg("<<%s>>: result %d, error <<%s>>", rows[i].document, rc, got);
        }
    }
}

#define CHECK_VALID(rows) check_valid(rows, sizeof(rows) / sizeof((rows)[0]))
#define CHECK_INVALID(rows) check_invalid(rows, sizeof(rows) / sizeof((rows)[0]))

static void test_document__blank_ones_say_nothing(void **state)
{
    static const struct row rows[] = {
        {"", ""},
        {"\n", ""},
        {" \t ", ""},
        {"\r\n\r\n", ""},
        {"# comment", ""},
        {"  # comment\t\xc3\xa9\r\n#\n", ""},
    };

    (void)state;
    CHECK_VALID(rows);
}

static void test_project_file__read_as_written(void **state)
{
    static const struct row rows[] = {
        {"# a project\nversion = 1\nbackend = \"sqlite\" # built in\r\ntarget = 'data/my.db'\n\n"
         "[backend_options]\nschema = \"queues\"\npool = 4\nratio = 0.5\ntls = true\n",
         "version=int:1\nbackend=str:sqlite\ntarget=str:data/my.db\nbackend_options=table\n"
         "backend_options/schema=str:queues\nbackend_options/pool=int:4\n"
         "backend_options/ratio=float:0.5\nbackend_options/tls=bool:1"},
        {"backend_options = { a = 1, b = 'x' }",
         "backend_options=table\nbackend_options/a=int:1\nbackend_options/b=str:x"},
        {"backend_options.a = 1\nbackend_options.b = 'x'",
         "backend_options=table\nbackend_options/a=int:1\nbackend_options/b=str:x"},
    };

    (void)state;
    CHECK_VALID(rows);
}

static void test_keys__bare_quoted_and_dotted(void **state)
{
    static const struct row rows[] = {
        {"a-b_C9 = 1", "a-b_C9=int:1"},
        {"1234 = 1", "1234=int:1"},
        {"true = 1", "true=int:1"},
        {"\"a b\" = 1", "a b=int:1"},
        {"'a\\b' = 1", "a\\b=int:1"},
        {"\"\" = 1", "=int:1"},
        {"\"\\u00e9\" = 1", "\xc3\xa9=int:1"},
        {" a\t.  'b c' = 1", "a=table\na/b c=int:1"},
        {"a.b.c = 1", "a=table\na/b=table"},
        {"3.14 = 1", "3=table\n3/14=int:1"},
        {"a=1", "a=int:1"},
    };
    static const struct row bad[] = {
        {"= 1", "1:1 Invalid statement"},
        {"a", "0:0 Expected '=' after a key in a key/value pair"},
        {"a b = 1", "1:3 Expected '=' after a key in a key/value pair"},
        {"a. = 1", "1:4 Invalid initial character for a key part"},
        {".a = 1", "1:1 Invalid statement"},
        {"a..b = 1", "1:3 Invalid initial character for a key part"},
        {"\xc3\xa9 = 1", "1:1 Invalid statement"},
        {"\"a\nb\" = 1", "1:3 Illegal character U+000A"},
        {"\"\"\"a\"\"\" = 1", "1:3 Expected '=' after a key in a key/value pair"},
        {"a\n= 1", "1:2 Expected '=' after a key in a key/value pair"},
    };

    (void)state;
    CHECK_VALID(rows);
    CHECK_INVALID(bad);
}

static void test_strings__basic_and_literal(void **state)
{
    static const struct row rows[] = {
        {"a = \"\"", "a=str:"},
        {"a = \"\\b\\t\\n\\f\\r\\\"\\\\\"", "a=str:\b\t\n\f\r\"\\"},
        {"a = \"\\u0041\\u00e9\\u20ac\\U0001f600\"", "a=str:A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"a = \"\\uD7FF\\uE000\\U0010FFFF\"",
         "a=str:\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"},
        {"a = \"tab\there # no comment\"", "a=str:tab\there # no comment"},
        {"a = ''", "a=str:"},
        {"a = 'C:\\x\\u0041\"'", "a=str:C:\\x\\u0041\""},
    };
    static const struct row bad[] = {
        {"a = \"x", "0:0 Unterminated string"},
        {"a = 'x", "0:0 Unterminated string"},
        {"a = \"x\n\"", "1:7 Illegal character U+000A"},
        {"a = 'x\n'", "1:7 Illegal character U+000A"},
        {"a = \"\x01\"", "1:6 Illegal character U+0001"},
        {"a = '\x7f'", "1:6 Illegal character U+007F"},
        {"a = \"\\x41\"", "1:6 Unescaped '\\' in a string"},
        {"a = \"\\e\"", "1:6 Unescaped '\\' in a string"},
        {"a = \"\\u00g0\"", "1:10 Invalid hex value"},
        {"a = \"\\u12\"", "1:10 Invalid hex value"},
        {"a = \"\\ud800\"", "1:12 Escaped character is not a Unicode scalar value"},
        {"a = \"\\U00110000\"", "1:16 Escaped character is not a Unicode scalar value"},
        {"a = \"\\", "1:6 Unescaped '\\' in a string"},
        {"a = 'it''s'", "1:9 Expected newline or end of document after a statement"},
    };

    (void)state;
    CHECK_VALID(rows);
    CHECK_INVALID(bad);
}

static void test_strings__on_several_lines(void **state)
{
    static const struct row rows[] = {
        {"a = \"\"\"\"\"\"", "a=str:"},
        {"a = \"\"\"\nx\r\ny\"\"\"", "a=str:x\ny"},
        {"a = \"\"\"\r\nx\"\"\"", "a=str:x"},
        {"a = \"\"\"x\\\n   \n\ty\"\"\"", "a=str:xy"},
        {"a = \"\"\"x\\  \r\n y\"\"\"", "a=str:xy"},
        {"a = \"\"\"a\"b\"\"c\\\"\"\"\"", "a=str:a\"b\"\"c\""},
        {"a = \"\"\"x\"\"\"\"", "a=str:x\""},
        {"a = \"\"\"x\"\"\"\"\"", "a=str:x\"\""},
        {"a = '''\nx\\\ny'''", "a=str:x\\\ny"},
        {"a = ''''x'''''", "a=str:'x''"},
    };
    static const struct row bad[] = {
        {"a = \"\"\"x\"\"", "0:0 Unterminated string"},
        {"a = '''x''", "0:0 Unterminated string"},
        {"a = \"\"\"x\"\"\"\"\"\"", "1:14 Expected newline or end of document after a statement"},
        {"a = \"\"\"x\\ y\"\"\"", "1:9 Unescaped '\\' in a string"},
        {"a = \"\"\"x\ry\"\"\"", "1:9 Illegal character U+000D"},
        {"a = '''\n\x02'''", "2:1 Illegal character U+0002"},
    };

    (void)state;
    CHECK_VALID(rows);
    CHECK_INVALID(bad);
}

static void test_integers__all_bases_within_64_bits(void **state)
{
    static const struct row rows[] = {
        {"a = 0\nb = +0\nc = -0", "a=int:0\nb=int:0\nc=int:0"},
        {"a = 1_000\nb = -17\nc = +99", "a=int:1000\nb=int:-17\nc=int:99"},
        {"a = 0xDEAD_beef\nb = 0o0755\nc = 0b1101_0", "a=int:3735928559\nb=int:493\nc=int:26"},
        {"a = 9223372036854775807", "a=int:9223372036854775807"},
        {"a = -9223372036854775808", "a=int:-9223372036854775808"},
        {"a = 0x7fffffffffffffff", "a=int:9223372036854775807"},
    };
    static const struct row bad[] = {
        {"a = 9223372036854775808", "1:5 Integer does not fit into 64 bits"},
        {"a = -9223372036854775809", "1:5 Integer does not fit into 64 bits"},
        {"a = 0x8000000000000000", "1:5 Integer does not fit into 64 bits"},
        {"a = 99999999999999999999999999", "1:5 Integer does not fit into 64 bits"},
        {"a = 01", "1:6 Expected newline or end of document after a statement"},
        {"a = 1__0", "1:6 Expected newline or end of document after a statement"},
        {"a = _1", "1:5 Invalid value"},
        {"a = 1_", "1:6 Expected newline or end of document after a statement"},
        {"a = 0x", "1:6 Expected newline or end of document after a statement"},
        {"a = 0x_1", "1:6 Expected newline or end of document after a statement"},
        {"a = 0xg", "1:6 Expected newline or end of document after a statement"},
        {"a = 0o8", "1:6 Expected newline or end of document after a statement"},
        {"a = 0b2", "1:6 Expected newline or end of document after a statement"},
        {"a = +0x1", "1:7 Expected newline or end of document after a statement"},
        {"a = --1", "1:5 Invalid value"},
        {"a = +", "1:5 Invalid value"},
    };

    (void)state;
    CHECK_VALID(rows);
    CHECK_INVALID(bad);
}

static void test_floats__fractions_exponents_and_specials(void **state)
{
    static const struct row rows[] = {
        {"a = 1.0\nb = -0.25\nc = +3.5", "a=float:1\nb=float:-0.25\nc=float:3.5"},
        {"a = 5e+22\nb = 1E06\nc = -2e-2", "a=float:5e+22\nb=float:1000000\nc=float:-0.02"},
        {"a = 6.626e-34\nb = 9_224.1_5", "a=float:6.626e-34\nb=float:9224.15"},
        {"a = inf\nb = -inf\nc = +inf", "a=float:inf\nb=float:-inf\nc=float:inf"},
        {"a = -0.0\nb = 0e0\nc = 1e999", "a=float:-0\nb=float:0\nc=float:inf"},
    };
    static const struct row bad[] = {
        {"a = 1.", "1:6 Expected newline or end of document after a statement"},
        {"a = .5", "1:5 Invalid value"},
        {"a = 1.e5", "1:6 Expected newline or end of document after a statement"},
        {"a = 1._5", "1:6 Expected newline or end of document after a statement"},
        {"a = 1e", "1:6 Expected newline or end of document after a statement"},
        {"a = 1.5e+", "1:8 Expected newline or end of document after a statement"},
        {"a = 01.5", "1:6 Expected newline or end of document after a statement"},
        {"a = Inf", "1:5 Invalid value"},
        {"a = infinity", "1:8 Expected newline or end of document after a statement"},
    };

    (void)state;
    CHECK_VALID(rows);
    CHECK_INVALID(bad);
}

static int first_real(const sb__toml_entry *entry, void *payload)
{
    *(double *)payload = entry->value.real;
    return 0;
}

static void test_floats__nan_is_none_of_the_numbers(void **state)
{
    static const char *const documents[] = {"a = nan", "a = +nan", "a = -nan"};
    sb__toml_error error;
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        double real = 0;

        assert_int_equal(
            sb__toml_parse(documents[i], strlen(documents[i]), first_real, &real, &error), 0);
        assert_true(real != real);
    }
}

static void test_booleans__lower_case_only(void **state)
{
    static const struct row rows[] = {{"a = true\nb = false", "a=bool:1\nb=bool:0"}};
    static const struct row bad[] = {
        {"a = True", "1:5 Invalid value"},
        {"a = tru", "1:5 Invalid value"},
        {"a = truely", "1:9 Expected newline or end of document after a statement"},
    };

    (void)state;
    CHECK_VALID(rows);
    CHECK_INVALID(bad);
}

static void test_dates__four_kinds_that_exist(void **state)
{
    static const struct row rows[] = {
        {"a = 1979-05-27T07:32:00Z", "a=date:1979-05-27T07:32:00Z"},
        {"a = 1979-05-27 00:32:00.999999-07:00", "a=date:1979-05-27 00:32:00.999999-07:00"},
        {"a = 1979-05-27t07:32:00z", "a=date:1979-05-27t07:32:00z"},
        {"a = 1979-05-27T07:32:00", "a=date:1979-05-27T07:32:00"},
        {"a = 1979-05-27", "a=date:1979-05-27"},
        {"a = 1979-05-27 # then", "a=date:1979-05-27"},
        {"a = 07:32:00.5", "a=date:07:32:00.5"},
        {"a = 2000-02-29\nb = 2024-02-29", "a=date:2000-02-29\nb=date:2024-02-29"},
    };
    static const struct row bad[] = {
        {"a = 1979-13-01", "1:5 Invalid date or datetime"},
        {"a = 1979-00-01", "1:5 Invalid date or datetime"},
        {"a = 1979-04-31", "1:5 Invalid date or datetime"},
        {"a = 1900-02-29", "1:5 Invalid date or datetime"},
        {"a = 1979-05-27T24:00:00", "1:5 Invalid date or datetime"},
        {"a = 23:60:00", "1:5 Invalid date or datetime"},
        {"a = 1979-05-27T07:32:00+24:00", "1:5 Invalid date or datetime"},
        {"a = 1979-05-27T07:32", "1:15 Expected newline or end of document after a statement"},
        {"a = 1979-5-27", "1:9 Expected newline or end of document after a statement"},
        {"a = 07:32:00.", "1:13 Expected newline or end of document after a statement"},
        {"a = 1979-05-27T07:32:00+1:00",
         "1:24 Expected newline or end of document after a statement"},
    };

    (void)state;
    CHECK_VALID(rows);
    CHECK_INVALID(bad);
}

static void test_arrays__checked_and_reported_as_one(void **state)
{
    static const struct row rows[] = {
        {"a = []", "a=array"},
        {"a = [1, 'x', 2.5, [true, [1979-05-27]], {b = 1},]", "a=array"},
        {"a = [ # one\n 1 # two\n , # three\r\n\n 2,\n]\nb = 1", "a=array\nb=int:1"},
        {"[t]\na = [{b = [{}]}]", "t=table\nt/a=array"},
        {"a = [{b = 1}, {b = 1}]", "a=array"},
    };
    static const struct row bad[] = {
        {"a = [", "0:0 Invalid value"},
        {"a = [1", "0:0 Unclosed array"},
        {"a = [1 2]", "1:8 Unclosed array"},
        {"a = [,]", "1:6 Invalid value"},
        {"a = [1,,2]", "1:8 Invalid value"},
        {"a = [1]]", "1:8 Expected newline or end of document after a statement"},
        {"a = [{b = 1, b = 2}]", "1:14 Cannot overwrite a value"},
        {"a = [1 #\x01\n]", "1:9 Illegal character U+0001"},
    };

    (void)state;
    CHECK_VALID(rows);
    CHECK_INVALID(bad);
}

static void test_inline_tables__closed_when_they_end(void **state)
{
    static const struct row rows[] = {
        {"a = {}", "a=table"},
        {"a = { b.c = 1, b.d = 2, e = {f = 1} }", "a=table\na/b=table\na/e=table"},
        {"a = {b = [1,\n2], c = \"\"\"\n\"\"\"}", "a=table\na/b=array\na/c=str:"},
        {"a.b = {c = 1}\na.d = 2", "a=table\na/b=table\na/d=int:2"},
    };
    static const struct row bad[] = {
        {"a = {", "0:0 Invalid initial character for a key part"},
        {"a = {b = 1", "0:0 Unclosed inline table"},
        {"a = {b = 1,}", "1:12 Invalid initial character for a key part"},
        {"a = {b = 1\n}", "1:11 Unclosed inline table"},
        {"a = {\nb = 1}", "1:6 Invalid initial character for a key part"},
        {"a = {b = 1 # no\n}", "1:12 Unclosed inline table"},
        {"a = {b = 1, b = 2}", "1:13 Cannot overwrite a value"},
        {"a = {b.c = 1, b = 2}", "1:15 Cannot overwrite a value"},
        {"a = {b = {c = 1}, b.d = 2}", "1:19 Cannot overwrite a value"},
        {"a = {}\na.b = 1", "2:1 Cannot overwrite a value"},
        {"a = {}\n[a]", "2:2 Cannot declare a table twice"},
        {"a = {}\n[a.b]", "2:2 Cannot overwrite a value"},
        {"a = {b = {}}\n[a.b.c]", "2:2 Cannot overwrite a value"},
        {"[t]\na = {}\n[t.a.b]", "3:4 Cannot overwrite a value"},
    };

    (void)state;
    CHECK_VALID(rows);
    CHECK_INVALID(bad);
}

static void test_tables__defined_once_in_any_order(void **state)
{
    static const struct row rows[] = {
        {"[a]", "a=table"},
        {"[ a . 'b' ] # c\nx = 1", "a=table\na/b=table"},
        {"[a.b]\nx = 1\n[a]\ny = 2", "a=table\na/b=table\na/y=int:2"},
        {"[a]\nb.c = 1\n[a.d]\n[a.b.e]\n", "a=table\na/b=table\na/d=table"},
        {"[a.b.c]\n[a]\nb.x = 1", "a=table\na/b=table"},
        {"x = 1\n[t]\nx = 2\n[u]\nx = 3", "x=int:1\nt=table\nt/x=int:2\nu=table\nu/x=int:3"},
    };
    static const struct row bad[] = {
        {"[a]\n[a]", "2:2 Cannot declare a table twice"},
        {"[a.b]\n[a]\n[a.b]", "3:4 Cannot declare a table twice"},
        {"a = 1\n[a]", "2:2 Cannot declare a table twice"},
        {"a = 1\n[a.b]", "2:2 Cannot overwrite a value"},
        {"a.b = 1\n[a]", "2:2 Cannot declare a table twice"},
        {"[a]\nb = 1\n[a.b]", "3:4 Cannot declare a table twice"},
        {"[a]\nb.c = 1\n[a.b]", "3:4 Cannot declare a table twice"},
        {"[a.b.c]\n[a]\nb.c.d = 1", "3:3 Cannot redefine a table by a dotted key"},
        {"[t]\na.b = 1\n[t.a.c]\n[t.x]\n[t.a]", "5:4 Cannot declare a table twice"},
        {"a = 1\na.b = 2", "2:1 Cannot overwrite a value"},
        {"a.b = 1\na = 2", "2:1 Cannot overwrite a value"},
        {"a = 1\na = 1", "2:1 Cannot overwrite a value"},
        {"a = 1\n'a' = 1", "2:1 Cannot overwrite a value"},
        {"[a", "0:0 Expected ']' at the end of a table name"},
        {"[]", "1:2 Invalid initial character for a key part"},
        {"[a.]", "1:4 Invalid initial character for a key part"},
        {"[a] b = 1", "1:5 Expected newline or end of document after a statement"},
        {"[a]]", "1:4 Expected newline or end of document after a statement"},
        {"[a\n]", "1:3 Expected ']' at the end of a table name"},
    };

    (void)state;
    CHECK_VALID(rows);
    CHECK_INVALID(bad);
}

static void test_arrays_of_tables__every_element_begins_anew(void **state)
{
    static const struct row rows[] = {
        {"[[a]]\nx = 1\n[[a]]\nx = 2", "a=array"},
        {"[[a]]\n[a.b]\nx = 1\n[[a.c]]\n[[a]]\n[a.b]\nx = 2\n[[a.c]]", "a=array"},
        {"[[a.b]]\nx = 1\n[[a.b]]\nx = 1\n[a]\ny = 1", "a=table\na/b=array\na/y=int:1"},
    };
    static const struct row bad[] = {
        {"[[a]]\nx = 1\nx = 2", "3:1 Cannot overwrite a value"},
        {"[[a]]\n[a]", "2:2 Cannot declare a table twice"},
        {"[a]\n[[a]]", "2:3 Cannot overwrite a value"},
        {"[a.b]\n[[a]]", "2:3 Cannot overwrite a value"},
        {"a = []\n[[a]]", "2:3 Cannot overwrite a value"},
        {"a = [{}]\n[a.b]", "2:2 Cannot overwrite a value"},
        {"[[a.b]]\n[a]\nb.c = 1", "3:1 Cannot redefine a table by a dotted key"},
        {"[[a]]\n[a.b]\n[[a.b]]", "3:5 Cannot overwrite a value"},
        {"[[a]", "1:4 Expected ']]' at the end of an array name"},
        {"[ [a]]", "1:3 Invalid initial character for a key part"},
        {"[[a] ]", "1:4 Expected ']]' at the end of an array name"},
    };

    (void)state;
    CHECK_VALID(rows);
    CHECK_INVALID(bad);
}

static void test_statements__one_to_a_line(void **state)
{
    static const struct row bad[] = {
        {"a = 1 b = 2", "1:7 Expected newline or end of document after a statement"},
        {"a = 1\rb = 2", "1:6 Expected newline or end of document after a statement"},
        {"a =", "0:0 Invalid value"},
        {"a = \n1", "1:5 Invalid value"},
        {"a = # 1", "1:5 Invalid value"},
        {"a == 1", "1:4 Invalid value"},
        {"a = 1 # \x7f", "1:9 Illegal character U+007F"},
        {"# \r", "1:3 Illegal character U+000D"},
        {"\x0b", "1:1 Invalid statement"},
        {"\xef\xbb\xbf" "a = 1", "1:1 Invalid statement"},
        {"\xc3\xa9", "1:1 Invalid statement"},
        {"a = '\xc3\xa9\xe2\x82\xac' x",
         "1:10 Expected newline or end of document after a statement"},
    };

    (void)state;
    CHECK_INVALID(bad);
}

static void test_utf8__must_be_valid_everywhere(void **state)
{
    static const struct row bad[] = {
        {"a = 1\n# \xff", "2:3 Invalid UTF-8"},
        {"a = '\xc3'", "1:6 Invalid UTF-8"},
        {"a = '\xc0\x80'", "1:6 Invalid UTF-8"},
        {"a = '\xed\xa0\x80'", "1:6 Invalid UTF-8"},
        {"a = '\xf4\x90\x80\x80'", "1:6 Invalid UTF-8"},
        {"a = '\xc3\xa9\x80'", "1:7 Invalid UTF-8"},
    };

    (void)state;
    CHECK_INVALID(bad);
}

static void test_nul__valid_only_as_an_escape(void **state)
{
    static const char raw[] = "a = '\0'";
    static const char end[] = "a = 1\0";
    static const char *const escaped = "\"k\\u0000\" = \"x\\u0000y\"";
    struct output out = {.len = 0};
    sb__toml_error error;

    (void)state;
    assert_int_equal(sb__toml_parse(raw, sizeof(raw) - 1, collect, &out, &error), SB__TOML_BAD);
    assert_string_equal(error.message, "Illegal character U+0000");
    assert_int_equal(sb__toml_parse(end, sizeof(end) - 1, collect, &out, &error), SB__TOML_BAD);
    out.len = 0;
    assert_int_equal(sb__toml_parse(escaped, strlen(escaped), collect, &out, &error), 0);
    assert_int_equal(out.len, 2 + 1 + 4 + 3);
    assert_memory_equal(out.text, "k\0=str:x\0y", out.len);
}

static int parse_nested(const char *open, const char *inner, const char *close, int depth)
{
    char document[2048] = "a = ";
    struct output out = {.len = 0};
    sb__toml_error error;
    int i;

    for (i = 0; i < depth; i++) {
        strcat(document, open);
    }
    strcat(document, inner);
    for (i = 0; i < depth; i++) {
        strcat(document, close);
    }
    return sb__toml_parse(document, strlen(document), collect, &out, &error);
}

static void test_nesting__limited(void **state)
{
    (void)state;
    assert_int_equal(parse_nested("[", "", "]", SB__TOML_MAX_DEPTH), 0);
    assert_int_equal(parse_nested("[", "", "]", SB__TOML_MAX_DEPTH + 1), SB__TOML_BAD);
    assert_int_equal(parse_nested("{a=", "1", "}", SB__TOML_MAX_DEPTH), 0);
    assert_int_equal(parse_nested("{a=", "1", "}", SB__TOML_MAX_DEPTH + 1), SB__TOML_BAD);
    assert_int_equal(parse_nested("[{a=", "1", "}]", SB__TOML_MAX_DEPTH / 2 + 1), SB__TOML_BAD);
}

static void test_many_names__each_found_again(void **state)
{
    char *document = malloc(64 * 5000);
    sb__toml_error error;
    double last = 0;
    size_t len = 0;
    int i;

    (void)state;
    assert_non_null(document);
    for (i = 0; i < 5000; i++) {
        len += (size_t)sprintf(document + len, "k%d = %d.5\n", i, i);
    }
    assert_int_equal(sb__toml_parse(document, len, first_real, &last, &error), 0);
    assert_true(last == 4999.5);
    len += (size_t)sprintf(document + len, "k2500 = 1\n");
    assert_int_equal(sb__toml_parse(document, len, first_real, &last, &error), SB__TOML_BAD);
    assert_int_equal(error.line, 5001);
    free(document);
}

static int stop_at_b(const sb__toml_entry *entry, void *payload)
{
    ++*(int *)payload;
    return entry->key[0] == 'b' ? 42 : 0;
}

static void test_callback__stops_the_parsing(void **state)
{
    static const char *const documents[] = {
        "a = 1\nb = 2\nc = ", "a = 1\nb.c = 2\n",     "a = 1\n[b]\n",
        "a = 1\n[[b]]\n",     "a = 1\nb = {c = 1}\n", "a = 1\n[b.c]",
    };
    sb__toml_error error;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        int calls = 0;

        assert_int_equal(
            sb__toml_parse(documents[i], strlen(documents[i]), stop_at_b, &calls, &error), 42);
        assert_int_equal(calls, 2);
    }
}

static int allocations_left = -1;

static void *counted_malloc(size_t size)
{
    if (allocations_left == 0) {
        return NULL;
    }
    allocations_left -= allocations_left > 0;
    return malloc(size);
}

static void *counted_realloc(void *memory, size_t size)
{
    if (allocations_left == 0) {
        return NULL;
    }
    allocations_left -= allocations_left > 0;
    return realloc(memory, size);
}

static int count(const sb__toml_entry *entry, void *payload)
{
    (void)entry;
    ++*(int *)payload;
    return 0;
}

static void test_memory__every_failing_allocation_is_reported(void **state)
{
    static const char *const document =
        "a = 'text'\nb.c = {d = 1, e.f = [1, {}]}\nf = 1_0.5\ng = 1979-05-27\n"
        "[t.u]\nk = \"a longer text than the first piece of memory for it can hold, by far\"\n"
        "[[l]]\nx = 1\n[[l]]\nx = 2\n[h]\n1=1\n2=2\n3=3\n4=4\n5=5\n6=6\n7=7\n8=8\n9=9\n";
    sb__toml_error error;
    int allowed = -1;
    int calls;
    int rc;

    (void)state;
    do {
        calls = 0;
        allocations_left = ++allowed;
        rc = sb__toml_parse(document, strlen(document), count, &calls, &error);
        assert_true(rc == 0 || rc == SB__TOML_NO_MEMORY);
    } while (rc != 0);
    allocations_left = -1;
    assert_true(allowed > 10);
    assert_int_equal(calls, 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document__blank_ones_say_nothing),
        cmocka_unit_test(test_project_file__read_as_written),
        cmocka_unit_test(test_keys__bare_quoted_and_dotted),
        cmocka_unit_test(test_strings__basic_and_literal),
        cmocka_unit_test(test_strings__on_several_lines),
        cmocka_unit_test(test_integers__all_bases_within_64_bits),
        cmocka_unit_test(test_floats__fractions_exponents_and_specials),
        cmocka_unit_test(test_floats__nan_is_none_of_the_numbers),
        cmocka_unit_test(test_booleans__lower_case_only),
        cmocka_unit_test(test_dates__four_kinds_that_exist),
        cmocka_unit_test(test_arrays__checked_and_reported_as_one),
        cmocka_unit_test(test_inline_tables__closed_when_they_end),
        cmocka_unit_test(test_tables__defined_once_in_any_order),
        cmocka_unit_test(test_arrays_of_tables__every_element_begins_anew),
        cmocka_unit_test(test_statements__one_to_a_line),
        cmocka_unit_test(test_utf8__must_be_valid_everywhere),
        cmocka_unit_test(test_nul__valid_only_as_an_escape),
        cmocka_unit_test(test_nesting__limited),
        cmocka_unit_test(test_many_names__each_found_again),
        cmocka_unit_test(test_callback__stops_the_parsing),
        cmocka_unit_test(test_memory__every_failing_allocation_is_reported),
    };

    if (sb_allocator_set(counted_malloc, counted_realloc, free) != SB_OK) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
