#include "queue/queue_cmd_say.h"

#include "lib/netstring.h"
#include "queue/entry.h"

#include <stdio.h>
#include <time.h>

enum { COLUMNS = 80 };

void
say_to(FILE *out, struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c == '\\')
			fputs("\\\\", out);
		else if (c >= ' ' && c <= '~')
			putc(c, out);
		else
			fprintf(out, "\\x%02x", c);
	}
}

void
say_bytes(struct slice s)
{
	say_to(stdout, s);
}

static int
missing_columns(struct slice s, size_t width)
{
	return s.len < width ? (int)(width - s.len) : 0;
}

/* fields */

static struct slice
field(struct slice body, const char *key)
{
	struct slice value;

	return entry_attr(body, key, &value) ? value : SLICE("");
}

static bool
number(struct slice body, const char *key, uint64_t *n)
{
	return slice_number(field(body, key), INT64_MAX, n) == 0;
}

/* 45s, 12m, 5h, 3d: at most four columns for a hundred years */
static void
put_span(char out[24], int64_t s)
{
	if (s < 0)
		s = 0;
	if (s < 100)
		snprintf(out, 24, "%ds", (int)s);
	else if (s < 100 * 60)
		snprintf(out, 24, "%dm", (int)(s / 60));
	else if (s < 48 * 3600)
		snprintf(out, 24, "%dh", (int)(s / 3600));
	else
		snprintf(out, 24, "%lldd", (long long)(s / 86400));
}

static void
put_size(char out[24], uint64_t n)
{
	static const char units[] = " KMGTPE";
	unsigned unit = 0;

	for (; n >= 10000; n /= 1024)
		unit++;
	snprintf(out, 24, "%u%.*s", (unsigned)n, unit > 0, units + unit);
}

static void
put_ago(char out[24], const struct say *say, struct slice body)
{
	uint64_t at_s = 0;

	number(body, "at_s", &at_s);
	put_span(out, say->now_s - (int64_t)at_s);
}

/* Words, in lines that begin in a column; the first one is begun already. */
static void
say_wrapped(struct slice text, size_t indent, size_t column)
{
	struct slice word;

	while ((word = slice_word(&text)).len > 0) {
		if (column > indent && column + word.len >= COLUMNS) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		}
		if (column > indent) {
			putchar(' ');
			column++;
		}
		say_bytes(word);
		column += word.len;
	}
	putchar('\n');
}

/* By the queue's time, where it is told. */
static int64_t
age_s(const struct say *say, struct slice body)
{
	uint64_t birth_us = 0, s;

	if (number(body, "age_s", &s))
		return (int64_t)s;
	number(body, "birth_us", &birth_us);
	return say->now_s - (int64_t)(birth_us / 1000000);
}

/* Of a damaged message it may not be known. */
static void
put_age(char out[24], const struct say *say, struct slice body)
{
	uint64_t birth_us;

	if (number(body, "birth_us", &birth_us) && birth_us > 0)
		put_span(out, age_s(say, body));
	else
		memcpy(out, "-", 2);
}

/* lists */

/* Of a damaged message nobody knows it. */
static void
say_from(struct slice body)
{
	struct slice from;

	if (!entry_attr(body, "from", &from)) {
		puts("?");
		return;
	}
	putchar('<');
	say_bytes(from);
	puts(">");
}

static void
list_message(struct say *say, struct slice body)
{
	char age[24], size[24], next[24] = "-";
	uint64_t n = 0, tries = 0, next_s;
	bool has_tries = number(body, "attempts", &tries);

	if (say->n++ == 0)
		puts("ID                AGE  SIZE STATE    TRIES NEXT FROM");
	number(body, "size", &n);
	say->n_bytes += n;
	put_age(age, say, body);
	put_size(size, n);
	if (number(body, "next_s", &next_s))
		put_span(next, (int64_t)next_s - say->now_s);
	say_bytes(field(body, "id"));
	printf(" %4s %5s ", age, size);
	say_bytes(field(body, "state"));
	printf("%*s ", missing_columns(field(body, "state"), 8), "");
	if (has_tries)
		printf("%5llu", (unsigned long long)tries);
	else
		printf("%5s", "-");
	printf(" %4s ", next);
	say_from(body);
}

/* Nobody has answered for it: perhaps nobody was asked. */
static void
list_route(struct slice body)
{
	struct slice hops = field(body, "hops"), source = field(body, "line");

	if (slice_eq(hops, SLICE("none"))) {
		puts("       no line of routes fits");
	} else if (slice_eq(hops, SLICE("hold"))) {
		fputs("       held by ", stdout);
		say_bytes(source);
		putchar('\n');
	}
}

/* Its daemon does not run: whatever was answered before, that is why. */
static void
say_missing(struct slice body, const char *before)
{
	struct slice name = field(body, "no_agent");

	if (name.len == 0)
		return;
	fputs(before, stdout);
	fputs("no agent serves ", stdout);
	say_bytes(name);
	puts(": is it running?");
}

static void
list_rcpt(const struct say *say, struct slice body)
{
	struct slice code = field(body, "answer"), by = field(body, "by");
	struct buf text = {0};
	char ago[24];

	fputs("    to ", stdout);
	say_bytes(field(body, "to"));
	putchar('\n');
	say_missing(body, "       ");
	if (code.len == 0) {
		list_route(body);
		return;
	}
	put_ago(ago, say, body);
	buf_puts(&text, code);
	buf_putc(&text, ' ');
	buf_text(&text, ago);
	buf_text(&text, " ago");
	if (by.len > 0)
		buf_text(&text, ", ");
	buf_puts(&text, by);
	buf_text(&text, ": ");
	buf_puts(&text, field(body, "text"));
	fputs("       ", stdout);
	say_wrapped(buf_slice(&text), 7, 7);
	buf_free(&text);
}

/* one at length */

static void
line(const char *what, struct slice value)
{
	printf("%-11s", what);
	say_bytes(value);
	putchar('\n');
}

static void
show_received(const struct say *say, struct slice body)
{
	uint64_t birth_us = 0;
	char ago[24], date[40] = "";
	struct tm tm;
	time_t at;

	number(body, "birth_us", &birth_us);
	at = (time_t)(birth_us / 1000000);
	if (gmtime_r(&at, &tm))
		strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S UTC", &tm);
	put_age(ago, say, body);
	if (strcmp(ago, "-") == 0)
		line("received", SLICE("-"));
	else
		printf("%-11s%s, %s ago\n", "received", date, ago);
}

static void
show_state(const struct say *say, struct slice body)
{
	struct slice holder = field(body, "held_by");
	uint64_t tries, next_s;
	char next[24];

	printf("%-11s", "state");
	say_bytes(field(body, "state"));
	if (holder.len > 0) {
		fputs(" by the ", stdout);
		say_bytes(holder);
	}
	if (number(body, "attempts", &tries))
		printf(", %llu attempt%s", (unsigned long long)tries,
		       tries == 1 ? "" : "s");
	if (number(body, "next_s", &next_s)) {
		put_span(next, (int64_t)next_s - say->now_s);
		printf(", next in %s", next);
	}
	putchar('\n');
}

static void
show_message(struct say *say, struct slice body)
{
	if (say->n++ > 0)
		putchar('\n');
	line("message", field(body, "id"));
	line("from", field(body, "from"));
	show_received(say, body);
	line("size", field(body, "size"));
	show_state(say, body);
	if (field(body, "what").len > 0)
		line("damage", field(body, "what"));
}

static void
show_rcpt(const struct say *say, struct slice body)
{
	struct slice hops = field(body, "hops"), source = field(body, "line");
	struct slice code = field(body, "answer"), by = field(body, "by");
	char ago[24];

	line("recipient", field(body, "to"));
	if (slice_eq(field(body, "done"), SLICE("1")))
		puts("  done");
	if (hops.len > 0) {
		printf("%-11s", "  route");
		say_bytes(hops);
		if (source.len > 0) {
			fputs(" (", stdout);
			say_bytes(source);
			putchar(')');
		}
		putchar('\n');
	}
	say_missing(body, "  waits    ");
	if (code.len == 0)
		return;
	put_ago(ago, say, body);
	printf("%-11s", "  answer");
	say_bytes(code);
	if (by.len > 0) {
		fputs(" from ", stdout);
		say_bytes(by);
	}
	printf(", %s ago:\n%-11s", ago, "");
	say_wrapped(field(body, "text"), 11, 11);
}

/* tables */

static void
destination(struct say *say, struct slice body)
{
	static const char *const keys[] = {"waiting", "running", "limit",
					   "most", "troubles"};
	uint64_t retry_ms;
	char retry[24] = "-";
	size_t i;

	if (say->n++ == 0)
		puts("STATE    WAITING RUNNING LIMIT  MOST TROUBLES RETRY "
		     "NEXT HOP");
	if (number(body, "retry_ms", &retry_ms))
		put_span(retry, (int64_t)(retry_ms + 999) / 1000);
	say_bytes(field(body, "state"));
	printf("%*s", missing_columns(field(body, "state"), 8), "");
	for (i = 0; i < sizeof keys / sizeof *keys; i++) {
		static const unsigned widths[] = {7, 7, 5, 5, 8};
		struct slice value = field(body, keys[i]);

		printf(" %*s", missing_columns(value, widths[i]), "");
		say_bytes(value);
	}
	printf(" %5s ", retry);
	say_bytes(field(body, "hop"));
	putchar('\n');
}

static void
figures(struct say *say, struct slice body)
{
	struct slice one;

	say->is_figures = true;
	if (say->is_json)
		putchar('{');
	while (netstring_slice(&body, &one) == 0) {
		size_t is = slice_find(one, '=');
		struct slice key = slice_of(one.at, is);
		struct slice value =
		    slice_from(one, is < one.len ? is + 1 : is);

		if (say->is_json) {
			json_figure(say, key, value);
			continue;
		}
		say_bytes(key);
		printf("%*s", missing_columns(key, 16), "");
		say_bytes(value);
		putchar('\n');
	}
	if (say->is_json)
		puts("}");
}

void
say_item(struct say *say, char type, struct slice body)
{
	if (type == 's')
		figures(say, body);
	else if (say->is_json)
		json_item(say, type, body);
	else if (type == 'm' && say->is_show)
		show_message(say, body);
	else if (type == 'm')
		list_message(say, body);
	else if (type == 'r' && say->is_show)
		show_rcpt(say, body);
	else if (type == 'r')
		list_rcpt(say, body);
	else if (type == 'a')
		line("attribute", body);
	else if (type == 'd')
		destination(say, body);
	else if (type == 'h')
		line(slice_eq(field(body, "kind"), SLICE("from")) ? "from"
								  : "dest",
		     field(body, "pattern"));
}

void
say_end(struct say *say, bool are_messages)
{
	char size[24];

	if (say->is_json && !say->is_figures)
		json_end(say);
	if (say->is_json || say->is_show || !are_messages)
		return;
	put_size(size, say->n_bytes);
	printf("%llu message%s, %s bytes\n", (unsigned long long)say->n,
	       say->n == 1 ? "" : "s", size);
}
