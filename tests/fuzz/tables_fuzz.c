/* tables - the text tables of a configuration, from their bytes to answers
 *
 * A line "== NAME" begins the table NAME. What compiles is asked about each
 * word of the input. The map is one in memory: TinyCDB is config_fuzz's.
 */
#include "cdb/config.h"
#include "cdb/grammar.h"
#include "cdb/rows.h"
#include "cdb/tables.h"
#include "lib/address.h"
#include "tests/fuzz/fuzz.h"

/* the map */

enum { RECORDS_MAX = 512 };

struct map {
	size_t n;
	struct {
		size_t at, key, value;
	} records[RECORDS_MAX];
	struct buf bytes;
};

struct map_writer {
	struct map map;
};

static struct map_writer writer;

int
map_add(struct map_writer *w, struct slice key, struct slice value)
{
	struct map *m = &w->map;

	fuzz_check(m->n < RECORDS_MAX);
	m->records[m->n].at = m->bytes.len;
	m->records[m->n].key = key.len;
	m->records[m->n++].value = value.len;
	buf_puts(&m->bytes, key);
	buf_puts(&m->bytes, value);
	return 0;
}

bool
map_find(struct map *m, struct slice key, unsigned n, struct map_record *r)
{
	struct slice all = buf_slice(&m->bytes);
	size_t i;

	for (i = 0; i < m->n; i++) {
		struct slice at = slice_from(all, m->records[i].at);

		r->key = slice_of(at.at, m->records[i].key);
		r->value = slice_of(at.at + r->key.len, m->records[i].value);
		if (slice_eq(r->key, key) && n-- == 0)
			return true;
	}
	return false;
}

struct slice
map_digest(const struct map *m)
{
	(void)m;
	return SLICE("00000000000000000000000000000000");
}

int
map_open(struct map **r, const char *path, struct stat *st, struct buf *why)
{
	(void)r, (void)path, (void)st, (void)why;
	return -1;
}

void
map_close(struct map *m)
{
	(void)m;
}

/* compiling */

static const char *
table_named(struct slice name)
{
	size_t i;

	for (i = 0; rows_tables[i]; i++)
		if (slice_eq(name, slice_text(rows_tables[i])))
			return rows_tables[i];
	return NULL;
}

/* The next table of the input, as tables_read would give it. */
static bool
next_table(struct slice *in, struct table *t)
{
	const char *name = NULL;
	struct slice line, body;
	size_t n;

	while (!name && in->len > 0) {
		line = fuzz_take(in, slice_find(*in, '\n') + 1);
		if (slice_starts(line, SLICE("== ")))
			name = table_named(slice_trim(slice_from(line, 3)));
	}
	if (!name)
		return false;
	for (n = 0; n < in->len; n++)
		if ((n == 0 || in->at[n - 1] == '\n') &&
		    slice_starts(slice_from(*in, n), SLICE("== ")))
			break;
	body = fuzz_take(in, n);
	*t = (struct table){.name = name, .exists = true};
	buf_puts(&t->text, body);
	return true;
}

static void
each_line(struct rows *r, struct slice in,
	  void (*with)(struct rows *, struct slice))
{
	struct table t;

	while (next_table(&in, &t)) {
		struct table_line line = {0};

		r->table = t.name;
		while (tables_next(&t, &line)) {
			fuzz_check(line.words.len > 0);
			r->line = line.number;
			with(r, line.words);
		}
		tables_free(&t);
	}
}

/* One line each, and nothing in it that a terminal would act on. */
static void
check_report(const struct report_lines *lines)
{
	struct slice s = buf_slice(&lines->text);
	size_t i, n = 0;

	for (i = 0; i < s.len; i++) {
		fuzz_check(s.at[i] == '\n' ||
			   (s.at[i] >= ' ' && s.at[i] <= '~'));
		n += s.at[i] == '\n';
	}
	fuzz_check(n == (lines->n < REPORT_MAX ? lines->n : n));
}

static bool
compile(struct slice in)
{
	struct report report;
	struct rows r = {.out = &writer, .report = &report};
	bool good;

	writer.map.n = 0;
	buf_clear(&writer.map.bytes);
	report_init(&report);
	each_line(&r, in, rows_take);
	good = report.errors.n == 0;
	if (good)
		each_line(&r, in, rows_weigh);
	rows_end(&r);
	check_report(&report.errors);
	check_report(&report.warnings);
	rows_free(&r);
	report_free(&report);
	return good;
}

/* asking */

static void
check_mailbox(struct slice path)
{
	struct slice rest = path;

	fuzz_check(slice_starts(path, SLICE("maildir:")) && path.len > 8);
	fuzz_check(slice_find(path, 0) == path.len);
	fuzz_check(slice_find(path, ' ') == path.len);
	for (rest = slice_from(path, 8);;) {
		size_t n = slice_find(rest, '/');

		fuzz_check(!slice_eq(slice_of(rest.at, n), SLICE("..")));
		if (n == rest.len)
			return;
		rest = slice_from(rest, n + 1);
	}
}

static void
check_hops(struct slice hops)
{
	struct slice word;

	if (slice_starts(hops, SLICE("maildir:"))) {
		check_mailbox(hops);
		return;
	}
	fuzz_check(slice_trim(hops).len > 0);
	while ((word = slice_word(&hops)).len > 0)
		fuzz_check(!grammar_nexthop_fault(word));
}

static void
ask(const struct config *c, struct slice rcpt)
{
	static struct buf room;
	struct config_route route;
	struct slice local, domain;
	const char *why = NULL;
	char stranger, own;

	config_route(c, rcpt, &room, &route);
	if (route.decision == CONFIG_NEXTHOPS)
		check_hops(route.nexthops);
	own = config_accepts(c, CONFIG_RELAY, rcpt, &why);
	fuzz_check(own == 'K' || ((own == 'Z' || own == 'D') && why));
	stranger = config_accepts(c, 0, rcpt, &why);
	fuzz_check(stranger != 'K' || own == 'K');
	if (own == 'K')
		fuzz_check(route.decision <= CONFIG_DISCARD);
	if (!address_split(rcpt, &local, &domain))
		domain = config_me(c);
	if (stranger == 'K')
		fuzz_check(config_local(c, domain) ||
			   config_rcpthost(c, domain));
}

static void
rewrite(const struct config *c, struct slice address)
{
	static const char *const whats[] = {"rcpt", "sender", "from"};
	static struct buf out;
	struct slice source;
	size_t i;

	for (i = 0; i < 3; i++) {
		buf_clear(&out);
		if (config_rewrite(c, whats[i], address, &out, &source))
			fuzz_check(out.len <= ADDRESS_MAX && out.len > 0);
		else
			fuzz_check(out.len == 0);
	}
}

static void
rights(const struct config *c, struct slice word)
{
	struct endpoint e = {0};
	struct tls_pin pin;
	struct slice name;
	unsigned bits;

	if (endpoint_parse(&e, word, 1) == 0)
		fuzz_check(config_access(c, &e) < 256);
	if (tls_pin_parse(word, &pin) == 0 &&
	    config_access_key(c, &pin, &bits, &name))
		fuzz_check(!grammar_client_name_fault(name));
}

static void
lists(const struct config *c)
{
	static const char *const protocols[] = {"qmqp", "qmtp", "smtp", "qmqps",
						"qmtps"};
	struct slice s;
	unsigned i, n;

	for (i = 0; i < 5; i++)
		for (n = 0; config_listen(c, protocols[i], n, &s); n++)
			fuzz_check(n < 16 && !grammar_listen_fault(s));
	for (n = 0; config_qmqpserver(c, n, &s); n++)
		fuzz_check(!grammar_server_fault(s));
	s = config_me(c);
	fuzz_check(s.len == 0 || grammar_domain(s));
	config_needs(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	struct slice in = slice_of((const char *)at, n), rest = in, word;
	struct config c = {.map = &writer.map};

	if (!compile(in))
		return 0;
	lists(&c);
	while (rest.len > 0) {
		struct slice line =
		    fuzz_take(&rest, slice_find(rest, '\n') + 1);

		while ((word = slice_word(&line)).len > 0) {
			word = slice_trim(word);
			ask(&c, word);
			rewrite(&c, word);
			rights(&c, word);
		}
	}
	ask(&c, SLICE("Alice@Local.Test"));
	ask(&c, SLICE("a/../b@local.test"));
	ask(&c, SLICE("x@a.b.c.test"));
	return 0;
}
