/* tables - the text tables of a configuration, from their bytes to answers
 *
 * A line "== NAME" begins the table NAME. What compiles is asked about each
 * word of the input. The map is one in memory: TinyCDB is config_fuzz's.
 */
#include "cdb/config.h"
#include "cdb/grammar.h"
#include "cdb/keys.h"
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
	(void)path, (void)why;
	*st = (struct stat){0};
	*r = &writer.map;
	return 0;
}

bool
map_each(struct map *m, uint32_t *at, struct map_record *r)
{
	(void)m, (void)at, (void)r;
	return false;
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
	const char *kind;
	size_t i;

	for (i = 0; (kind = rows_table(i)); i++)
		if (slice_eq(name, slice_text(kind)))
			return kind;
	return NULL;
}

/* The next line, with its LF. */
static struct slice
line_of(struct slice *in)
{
	return fuzz_take(in, slice_find(*in, '\n') + 1);
}

enum { FILES_MAX = 64 };

static struct table files[FILES_MAX];

/* The input's tables, as tables_load would give them. */
static void
read_tables(struct slice in, struct tables *t)
{
	struct table *now = NULL;

	*t = (struct tables){.files = files};
	while (in.len > 0) {
		struct slice line = line_of(&in);
		const char *kind = NULL;

		if (slice_starts(line, SLICE("== ")))
			kind = table_named(slice_trim(slice_from(line, 3)));
		if (kind && t->n < FILES_MAX) {
			now = &files[t->n++];
			now->kind = kind;
			now->name = (char *)(uintptr_t)kind;
			buf_clear(&now->text);
		} else if (now) {
			buf_puts(&now->text, line);
		}
	}
}

static void
each_line(struct rows *r, void (*with)(struct rows *, struct slice))
{
	size_t i;

	for (i = 0; i < r->files->n; i++) {
		struct table_line line = {0};

		r->table = files[i].kind;
		r->file = files[i].name;
		r->file_n = (uint32_t)i;
		while (tables_next(&files[i], &line)) {
			fuzz_check(line.words.len > 0);
			r->line = line.number;
			r->whole = line.whole;
			with(r, line.words);
		}
	}
	r->line = 0;
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
	struct tables all;
	struct report report;
	struct rows r = {
	    .out = &writer, .report = &report, .files = &all, .dir = -1};
	bool good;

	writer.map.n = 0;
	buf_clear(&writer.map.bytes);
	report_init(&report);
	read_tables(in, &all);
	each_line(&r, rows_take);
	each_line(&r, rows_check);
	good = report.errors.n == 0;
	if (good)
		each_line(&r, rows_weigh);
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
		fuzz_check(
		    !grammar_nexthop_fault(word) ||
		    grammar_is_agent(slice_of(word.at, slice_find(word, ':'))));
}

static void
ask(const struct config *c, struct slice rcpt)
{
	static struct buf room;
	struct config_route route;
	struct slice local, domain, targets, source;
	const char *why = NULL;
	char stranger, own;

	config_route(c, rcpt, &room, &route);
	if (route.decision == CONFIG_NEXTHOPS)
		check_hops(route.nexthops);
	own = config_accepts(c, CONFIG_RELAY, rcpt, &why);
	fuzz_check(own == 'K' || ((own == 'Z' || own == 'D') && why));
	stranger = config_accepts(c, 0, rcpt, &why);
	fuzz_check(stranger != 'K' || own == 'K');
	/* a route may be for some senders only; a leaf has none, and what
	 * stands for others needs none */
	if (own == 'K' && !config_alias(c, rcpt, &targets, &source) &&
	    !(c->has & KEYS_HAS_SENDERS) &&
	    !(config_needs(c) & CONFIG_NEEDS_LEAFDOOR))
		fuzz_check(route.decision != CONFIG_NOROUTE &&
			   route.decision != CONFIG_NOBODY);
	if (!address_split(rcpt, &local, &domain))
		domain = config_me(c);
	if (stranger == 'K')
		fuzz_check(config_local(c, domain) ||
			   config_rcpthost(c, domain) ||
			   config_virtual(c, rcpt, &local, &domain));
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

/* What a site's other tables say of an address. */
static void
others(const struct config *c, struct slice rcpt)
{
	static struct buf room;
	struct slice local, domain, a, b, source;
	struct config_route route;
	struct config_tls_line line;
	unsigned n;

	config_route_from(c, rcpt, rcpt, &room, &route);
	for (n = 0; n < 8 && config_weight(&route, n) > 0; n++)
		;
	config_alias(c, rcpt, &a, &source);
	address_split(rcpt, &local, &domain);
	config_tls_policy(c, domain, &line);
	for (n = 0; n < 8 && config_dkim(c, domain, n, &a, &b, &source); n++)
		;
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	struct slice in = slice_of((const char *)at, n), rest = in, word;
	struct buf why = {0};
	struct config c;

	if (!compile(in) || config_open(&c, "", &why) != 0)
		return 0;
	lists(&c);
	while (rest.len > 0) {
		struct slice line =
		    fuzz_take(&rest, slice_find(rest, '\n') + 1);

		while ((word = slice_word(&line)).len > 0) {
			word = slice_trim(word);
			ask(&c, word);
			others(&c, word);
			rewrite(&c, word);
			rights(&c, word);
		}
	}
	ask(&c, SLICE("Alice@Local.Test"));
	ask(&c, SLICE("a/../b@local.test"));
	ask(&c, SLICE("x@a.b.c.test"));
	return 0;
}
