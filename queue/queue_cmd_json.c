#include "queue/entry.h"
#include "queue/queue_cmd_say.h"

#include <stdio.h>

/* How many bytes of valid UTF-8 beyond ASCII are at the front; 0: none. */
static size_t
utf8(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.at;
	size_t n, i;

	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (s.len < n)
		return 0;
	for (i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* too long for what it says, a surrogate, beyond the last one */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* U+0080 to U+009F: a terminal obeys some of them. */
static bool
is_control(struct slice s)
{
	return (unsigned char)s.at[0] == 0xc2 && (unsigned char)s.at[1] < 0xa0;
}

static void
string(struct slice s)
{
	putchar('"');
	while (s.len > 0) {
		unsigned char c = (unsigned char)s.at[0];
		size_t n = utf8(s);

		if (n == 2 && is_control(s)) {
			printf("\\u%04x", (unsigned char)s.at[1]);
		} else if (n > 0) {
			fwrite(s.at, 1, n, stdout);
		} else {
			n = 1;
			if (c == '"' || c == '\\')
				printf("\\%c", c);
			else if (c < ' ' || c > '~')
				printf("\\u%04x", c);
			else
				putchar(c);
		}
		s = slice_from(s, n);
	}
	putchar('"');
}

static bool
is_number(struct slice s)
{
	size_t i, sign = s.len > 1 && s.at[0] == '-';

	for (i = sign; i < s.len; i++)
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
	return s.len > sign && s.len < 20 &&
	       (s.at[sign] != '0' || s.len == sign + 1);
}

/* One member; null when there is no such field. */
static void
member(struct slice body, const char *key, const char *name, bool wants_number)
{
	struct slice value;

	printf("%s\"%s\": ", name[0] == ' ' ? ", " : "",
	       name[0] == ' ' ? name + 1 : name);
	if (!entry_attr(body, key, &value) ||
	    (wants_number && !is_number(value)))
		fputs("null", stdout);
	else if (wants_number)
		fwrite(value.at, 1, value.len, stdout);
	else
		string(value);
}

void
json_figure(struct say *say, struct slice key, struct slice value)
{
	fputs(say->n++ ? ", " : "", stdout);
	string(key);
	fputs(": ", stdout);
	if (is_number(value))
		fwrite(value.at, 1, value.len, stdout);
	else
		string(value);
}

static void
text(struct slice body, const char *key, const char *name)
{
	member(body, key, name, false);
}

static void
number(struct slice body, const char *key, const char *name)
{
	member(body, key, name, true);
}

/* an array's next element */
static void
next(uint64_t *n)
{
	fputs((*n)++ == 0 ? "[\n" : ",\n", stdout);
}

static void
end_message(struct say *say)
{
	if (say->in_message)
		fputs(say->n_rcpts > 0 ? "]}" : "\"recipients\": []}", stdout);
	say->in_message = false;
}

static void
message(struct say *say, struct slice body)
{
	end_message(say);
	next(&say->n);
	say->in_message = true;
	say->n_rcpts = 0;
	putchar('{');
	text(body, "id", "id");
	number(body, "birth_us", " received_us");
	number(body, "size", " size");
	text(body, "from", " from");
	text(body, "state", " state");
	text(body, "held_by", " held_by");
	text(body, "what", " damage");
	number(body, "attempts", " attempts");
	number(body, "next_s", " next_s");
	number(body, "rcpts", " recipients_in_all");
	number(body, "live", " recipients_left");
	fputs(",\n ", stdout);
}

static void
rcpt(struct say *say, struct slice body)
{
	struct slice done;

	fputs(say->n_rcpts++ == 0 ? "\"recipients\": [" : ",\n  ", stdout);
	putchar('{');
	number(body, "index", "index");
	text(body, "to", " to");
	printf(", \"done\": %s",
	       entry_attr(body, "done", &done) && slice_eq(done, SLICE("1"))
		   ? "true"
		   : "false");
	text(body, "hops", " next_hops");
	text(body, "line", " line");
	text(body, "no_agent", " no_agent");
	text(body, "answer", " answer");
	text(body, "text", " text");
	text(body, "by", " by");
	number(body, "at_s", " at_s");
	putchar('}');
}

static void
destination(struct say *say, struct slice body)
{
	next(&say->n);
	putchar('{');
	text(body, "hop", "next_hop");
	text(body, "state", " state");
	number(body, "waiting", " waiting");
	number(body, "running", " running");
	number(body, "limit", " limit");
	number(body, "most", " most");
	number(body, "rate", " rate");
	number(body, "troubles", " troubles");
	number(body, "retry_ms", " retry_ms");
	putchar('}');
}

static void
rule(struct say *say, struct slice body)
{
	next(&say->n);
	putchar('{');
	text(body, "kind", "kind");
	text(body, "pattern", " pattern");
	putchar('}');
}

void
json_item(struct say *say, char type, struct slice body)
{
	switch (type) {
	case 'm': message(say, body); break;
	case 'r': rcpt(say, body); break;
	case 'd': destination(say, body); break;
	case 'h': rule(say, body); break;
	default: break;
	}
}

void
json_end(struct say *say)
{
	end_message(say);
	fputs(say->n == 0 ? "[]\n" : "\n]\n", stdout);
}
